//! What can be measured, each in a file of its own.

mod burst;
pub(crate) mod channels;
mod cold;
mod fanout;
pub(crate) mod logins;
pub(crate) mod memory;
mod rest;
mod resume;
mod stopped;

use clap::ValueEnum;
use serde::{Serialize, Serializer};

use crate::bench::Bench;
use crate::chart::Panel;
use crate::outcome::Outcome;
use crate::peer::Peer;
use crate::report::Report;

/// A kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// REST: get, find and create with 64 connections
    Rest,
    /// Events to many subscribers: in lockstep, with 16 under way, at a steady pace
    Fanout,
    /// From the start of a process to its first answer; idle memory; size
    Cold,
    /// Memory of idle connections
    Memory,
    /// 5,000 messages at once to 10 subscribers: whether all arrive, and the most memory
    Burst,
    /// Publishing into 100,000 channels of 10 members, beside one channel
    Channels,
    /// 1,000 clients that resume at once, with 500 missed events each
    Resume,
    /// 1,000 clients that have stopped reading, at 1,000 events/s
    Stopped,
    /// Calls beside logins whose passwords are hashed
    Logins,
    /// All of them
    All,
}

impl Kind {
    /// Returns the kinds that a list of them stands for.
    pub(crate) fn expand(kinds: &[Self]) -> Vec<Self> {
        let all = || Self::value_variants().iter().copied().filter(|kind| *kind != Self::All);
        if kinds.contains(&Self::All) { all().collect() } else { kinds.to_vec() }
    }

    /// Returns its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns whom it compares.
    pub(crate) fn peers(self) -> &'static [Peer] {
        match self {
            Self::Rest => &rest::PEERS,
            Self::Fanout => &fanout::PEERS,
            Self::Memory => &memory::PEERS,
            Self::Cold => &cold::PEERS,
            Self::Channels => &channels::PEERS,
            Self::Burst => &burst::PEERS,
            Self::Resume => &resume::PEERS,
            Self::Stopped => &stopped::PEERS,
            Self::Logins => &logins::PEERS,
            Self::All => &[],
        }
    }

    /// Tells whether an earlier build can be measured beside this one: where all is served by [`Cell::start`].
    ///
    /// [`Cell::start`]: crate::bench::Cell::start
    fn has_pairs(self) -> bool {
        matches!(self, Self::Rest | Self::Fanout | Self::Memory | Self::Burst | Self::Resume | Self::Stopped)
    }

    /// Measures it. The kinds behind `all` are measured one by one.
    pub(crate) fn measure(self, bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
        if bench.has_before() && !self.has_pairs() {
            let name = self.name();
            let message = format!(
                "`{name}` has no pairs with an earlier build: take rest, fanout, memory, burst, resume or stopped"
            );
            return Err(message.into());
        }
        match self {
            Self::Rest => rest::measure(bench),
            Self::Fanout => fanout::measure(bench),
            Self::Memory => memory::measure(bench),
            Self::Cold => cold::measure(bench),
            Self::Channels => channels::measure(bench),
            Self::Burst => burst::measure(bench),
            Self::Resume => resume::measure(bench),
            Self::Stopped => stopped::measure(bench),
            Self::Logins => logins::measure(bench),
            Self::All => Err("`all` is no kind of its own".into()),
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}
