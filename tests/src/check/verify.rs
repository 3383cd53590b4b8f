//! The question whether anything was missed, asked of the histories alone.

mod log;
mod readers;
#[cfg(test)]
mod tests;
mod writes;

use std::fmt;

use super::collect::Steps;
use super::history::{Records, Spot, Step, Way, Write};

/// Everything that is known after a run.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) readers: Vec<History>,
    pub(super) writes: Vec<Write>,
    /// When servers got the signal to end, in milliseconds since the beginning of the run.
    pub(super) ends: Vec<u64>,
    /// Where the log ended.
    pub(super) head: Spot,
    /// What the service held in the end.
    pub(super) records: Records,
    /// How many slots the log keeps.
    pub(super) retain: usize,
}

/// What one reader has received.
#[derive(Debug)]
pub(super) struct History {
    pub(super) number: usize,
    pub(super) way: Way,
    /// It reads without faults, and only one server's log.
    pub(super) steady: bool,
    pub(super) steps: Steps,
}

impl History {
    fn name(&self) -> String {
        format!("{} {} ({})", if self.steady { "steady reader" } else { "reader" }, self.number, self.way)
    }
}

/// Something that must not be.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) what: String,
    /// The steps before it.
    pub(super) history: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "VIOLATION: {}", self.what)?;
        self.history.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// How many steps before a violation are printed.
const SHOWN: usize = 12;

/// Asks.
pub(super) fn verify(evidence: &Evidence) -> Vec<Violation> {
    let mut violations = Vec::new();
    let log = log::Log::of(&evidence.readers, &mut violations);
    writes::compare(evidence, &log, &mut violations);
    for reader in &evidence.readers {
        violations.extend(readers::follow(reader, &log, evidence));
    }
    violations
}

/// Prints the steps up to one.
fn show(steps: &[(u64, Step)], last: usize) -> Vec<String> {
    let first = (last + 1).saturating_sub(SHOWN);
    let line = |(ms, step): &(u64, Step)| match step {
        Step::Reads { records } => format!("{ms:>6} ms  reads {} records", records.len()),
        Step::Event { at, change } => format!("{ms:>6} ms  {at}  {change}"),
        other => format!("{ms:>6} ms  {other:?}"),
    };
    steps.iter().skip(first).take(last + 1 - first).map(line).collect()
}
