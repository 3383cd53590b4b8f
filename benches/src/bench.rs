//! A run: every candidate in turn, round by round, each with a fresh server on a quiet machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::Arguments;
use crate::outcome::Outcome;
use crate::peer::Peer;
use crate::process::Served;
use crate::quiet;
use crate::report::{Report, Sample};

/// How a run is done.
#[derive(Debug)]
pub(crate) struct Bench {
    quick: bool,
    rounds: u32,
    patience: Duration,
    seconds: Option<Duration>,
    subscribers: Vec<u64>,
    alone: bool,
    peers: Vec<Peer>,
    before: Option<PathBuf>,
}

/// One thing that is measured in each round.
#[derive(Clone, Debug)]
pub(crate) struct Cell<W> {
    pub(crate) work: W,
    pub(crate) peer: Peer,
    /// The build of this program whose server is measured; without one this very program.
    program: Option<PathBuf>,
}

impl<W> Cell<W> {
    pub(crate) fn new(work: W, peer: Peer) -> Self {
        Self { work, peer, program: None }
    }

    /// Starts what is measured.
    pub(crate) fn start(&self) -> Outcome<Served> {
        self.peer.start(self.program.as_deref())
    }

    /// Returns the same, served by another build of this program.
    fn served_by(&self, program: &Path) -> Self
    where
        W: Clone,
    {
        Self { work: self.work.clone(), peer: self.peer, program: Some(program.to_owned()) }
    }
}

impl Bench {
    pub(crate) fn new(arguments: &Arguments) -> Self {
        let quick = arguments.quick;
        Self {
            quick,
            rounds: arguments.rounds.unwrap_or(if quick { 1 } else { 5 }),
            patience: arguments.wait.unwrap_or(Duration::from_secs(if quick { 2 } else { 120 })),
            seconds: arguments.seconds,
            subscribers: arguments.subscribers.clone(),
            alone: arguments.alone || arguments.before.is_some(),
            peers: arguments.peers.clone(),
            before: arguments.before.clone(),
        }
    }

    /// Tells whether an earlier build is measured too.
    pub(crate) fn has_before(&self) -> bool {
        self.before.is_some()
    }

    /// Returns how long a measurement takes: as set, or as its kind needs it.
    pub(crate) fn time(&self, usual: Duration, quick: Duration) -> Duration {
        self.seconds.unwrap_or(if self.quick { quick } else { usual })
    }

    /// Returns how many subscribers there are: as set, or as many as usual, or the first of them when it must be
    /// quick.
    pub(crate) fn subscribers(&self, usual: &[u64]) -> Vec<u64> {
        match (self.subscribers.as_slice(), usual) {
            ([], [first, ..]) if self.quick => vec![*first],
            ([], usual) => usual.to_vec(),
            (told, _) => told.to_vec(),
        }
    }

    /// Returns those of some peers that are wanted; the framework always is.
    pub(crate) fn wanted(&self, all: &[Peer]) -> Vec<Peer> {
        let wanted =
            |peer: &Peer| peer.is_ours() || (!self.alone && (self.peers.is_empty() || self.peers.contains(peer)));
        all.iter().copied().filter(wanted).collect()
    }

    /// Returns those of the wanted peers that can be started; says on the standard error which cannot, and why.
    pub(crate) fn ready(&self, all: &[Peer]) -> Vec<Peer> {
        let mut ready = self.wanted(all);
        ready.retain(|peer| match peer.missing() {
            None => true,
            Some(missing) => {
                eprintln!("{} is left out: {missing}", peer.name());
                false
            }
        });
        ready
    }

    /// Measures every cell in every round. A failure is in the report, and the run continues.
    pub(crate) fn measure<W: Clone>(
        &self,
        report: &mut Report,
        cells: &[Cell<W>],
        mut measure: impl FnMut(&Cell<W>) -> Outcome<Vec<Sample>>,
    ) -> Outcome {
        let steps = u64::from(self.rounds) * cells.len() as u64;
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed_precise} left {eta} {msg}")?;
        let bar = ProgressBar::new(steps).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(500));
        for round in 1..=self.rounds {
            for cell in cells {
                bar.set_message(format!("{}: {}, round {round}", report.kind(), cell.peer.name()));
                quiet::wait(self.patience)?;
                let measured = match &self.before {
                    Some(program) => pair(cell, &cell.served_by(program), round, &mut measure),
                    None => measure(cell).map(|samples| (samples, Vec::new())),
                };
                match measured {
                    Ok((samples, before)) => {
                        for sample in samples {
                            report.add(cell.peer, sample);
                        }
                        for sample in before {
                            report.add_before(cell.peer, sample);
                        }
                    }
                    Err(error) => {
                        let failure = format!("{}, round {round}: {error}", cell.peer.name());
                        bar.suspend(|| eprintln!("{failure}"));
                        report.fail(cell.peer, failure);
                    }
                }
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}

/// Measures a cell and its pair one right after the other; which comes first changes from round to round.
fn pair<W>(
    now: &Cell<W>,
    before: &Cell<W>,
    round: u32,
    measure: &mut impl FnMut(&Cell<W>) -> Outcome<Vec<Sample>>,
) -> Outcome<(Vec<Sample>, Vec<Sample>)> {
    if round.is_multiple_of(2) {
        let earlier = measure(before)?;
        return Ok((measure(now)?, earlier));
    }
    Ok((measure(now)?, measure(before)?))
}
