//! What became of the good clients, and of the server's memory.

use std::fmt;
use std::time::Duration;

use super::good::Latencies;
use super::serve::{CONNECTIONS, IN_FLIGHT};

/// What one connection costs besides what is in flight: its task, the buffers of HTTP and small bodies.
const CONNECTION: u64 = 48 << 10;
/// What the log of events and allocators keep.
const REST: u64 = 96 << 20;

/// How slow is fast enough in any case.
const FAST: Duration = Duration::from_millis(5);

/// The outcome.
#[derive(Debug)]
pub struct Report {
    pub(super) calm: Latencies,
    pub(super) stormy: Latencies,
    pub(super) after: Latencies,
    pub(super) attempts: usize,
    /// The server's memory before the storm, and the most that it had.
    pub(super) before: u64,
    pub(super) most: u64,
    pub(super) strict: bool,
}

impl Report {
    /// Tells whether good clients were served as they should be.
    pub fn is_good(&self) -> bool {
        let failed = self.calm.failed + self.stormy.failed + self.after.failed;
        failed == 0 && self.stormy.calls() > 0 && self.most <= self.bound() && (!self.strict || self.is_fast())
    }

    /// Returns how much memory the bounds let the server have.
    fn bound(&self) -> u64 {
        self.before + IN_FLIGHT as u64 + CONNECTIONS as u64 * CONNECTION + REST
    }

    fn is_fast(&self) -> bool {
        let (before, storm) = (self.calm.percentile(99), self.stormy.percentile(99));
        storm <= FAST || storm <= before.mul_f64(1.5)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (when, seen) in [("before", &self.calm), ("in the storm", &self.stormy), ("after", &self.after)] {
            let (half, most) = (seen.percentile(50), seen.percentile(99));
            writeln!(f, "{when}: {} calls, {} failed, p50 {half:?}, p99 {most:?}", seen.calls(), seen.failed)?;
        }
        writeln!(f, "{} hostile attempts", self.attempts)?;
        let mib = |bytes: u64| bytes >> 20;
        writeln!(
            f,
            "memory: {} MiB before, {} MiB at most, {} MiB allowed",
            mib(self.before),
            mib(self.most),
            mib(self.bound())
        )
    }
}
