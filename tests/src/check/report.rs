//! The report: what was counted, and which violations were found.

use std::collections::BTreeMap;
use std::fmt;

use super::history::{Outcome, Step, Way};
use super::options::Options;
use super::verify::{Evidence, Violation};

/// The outcome of a run.
#[derive(Debug)]
pub struct Report {
    options: Options,
    ways: BTreeMap<Way, Count>,
    /// Calls that were done, have failed, or have an unknown outcome.
    writes: [usize; 3],
    restarts: usize,
    faults: Faults,
    head: String,
    violations: Vec<Violation>,
}

/// What was broken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    /// How many connections were reset.
    pub(super) cuts: u64,
    /// How many items were lost on their way to the proxy.
    pub(super) lost: u64,
    pub(super) proxy_restarts: usize,
}

/// What the readers of one transport have received.
#[derive(Debug, Default)]
struct Count {
    readers: usize,
    events: usize,
    connects: usize,
    resumes: usize,
    resets: BTreeMap<String, usize>,
}

/// How many violations are printed.
const SHOWN: usize = 5;

impl Report {
    pub(super) fn new(options: Options, evidence: &Evidence, faults: Faults, violations: Vec<Violation>) -> Self {
        let mut ways: BTreeMap<Way, Count> = BTreeMap::new();
        for reader in evidence.readers.iter().filter(|reader| !reader.steady) {
            let count = ways.entry(reader.way).or_default();
            count.readers += 1;
            // Whether the reader has just reconnected with a cursor, and has got nothing yet.
            let mut back = false;
            for (_, step) in &reader.steps {
                match step {
                    Step::Opens { since } => {
                        count.connects += 1;
                        back = since.is_some();
                        continue;
                    }
                    Step::Reset { reason, .. } => *count.resets.entry(reason.clone()).or_default() += 1,
                    Step::Event { .. } | Step::Stands { .. } => count.resumes += usize::from(back),
                    Step::Reads { .. } | Step::Cut { .. } => continue,
                }
                count.events += usize::from(matches!(step, Step::Event { .. }));
                back = false;
            }
        }
        let mut writes = [0; 3];
        for write in &evidence.writes {
            let [done, failed, unknown] = &mut writes;
            match write.outcome {
                Outcome::Done => *done += 1,
                Outcome::Failed(_) => *failed += 1,
                Outcome::Unknown(_) => *unknown += 1,
            }
        }
        let (restarts, head) = (evidence.ends.len(), evidence.head.to_string());
        Self { options, ways, writes, restarts, faults, head, violations }
    }

    /// Tells whether nothing was found.
    pub fn is_good(&self) -> bool {
        self.violations.is_empty()
    }

    /// Returns the first thing that was found, in one line.
    pub fn first_finding(&self) -> Option<&str> {
        self.violations.first().map(|violation| violation.what.as_str())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { seed, time, readers, retain, .. } = &self.options;
        let [done, failed, unknown] = self.writes;
        writeln!(f, "seed {seed}, {} s, {readers} readers, {retain} places kept", time.as_secs())?;
        writeln!(f, "writes: {done} done, {failed} refused, {unknown} unknown; the log ends at {}", self.head)?;
        let Faults { cuts, lost, proxy_restarts } = self.faults;
        writeln!(f, "faults: {cuts} connections reset, {} restarts of the server", self.restarts)?;
        if self.options.pushpin {
            writeln!(f, "        {lost} publications lost, {proxy_restarts} restarts of the proxy")?;
        }
        writeln!(f, "transport          readers  events  connects  resumes  resets")?;
        for (way, count) in &self.ways {
            let Count { readers, events, connects, resumes, resets } = count;
            let resets: Vec<_> = resets.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let resets = resets.join(", ");
            writeln!(f, "{way:<17} {readers:>8} {events:>7} {connects:>9} {resumes:>8}  {resets}")?;
        }
        for violation in self.violations.iter().take(SHOWN) {
            write!(f, "{violation}")?;
        }
        match self.violations.len() {
            0 => writeln!(f, "nothing missed, nothing twice, everything in order"),
            count => writeln!(f, "{count} violations; run again with --seed {seed}"),
        }
    }
}
