//! A quiet machine: figures that other processes have disturbed are marked, and a start waits until none disturbs.

use std::time::{Duration, Instant};

use crate::outcome::Outcome;
use crate::usage::machine;

/// A round counts as quiet while others use less than this of a core.
pub(crate) const DISTURBED: f64 = 0.25;

/// A start waits until others use less than this of a core.
const QUIET: f64 = 0.15;

/// How long one look takes.
const LOOK: Duration = Duration::from_millis(800);

/// Waits until the machine is quiet, but not longer than `patience`.
///
/// Nothing of the benchmark may run meanwhile. A round that starts on a busy machine shows it by its own figure.
pub(crate) fn wait(patience: Duration) -> Outcome {
    let start = Instant::now();
    while start.elapsed() < patience {
        let (before, began) = (machine()?, Instant::now());
        std::thread::sleep(LOOK.min(patience));
        if (machine()? - before) / began.elapsed().as_secs_f64() < QUIET {
            break;
        }
    }
    Ok(())
}
