//! The price of a stock as a random walk: the same seed gives the same prices.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

/// How far one step goes at most, in cents.
const STEP: i32 = 60;
/// Between which prices the walk stays, in cents.
const BOUNDS: (i32, i32) = (1_000, 100_000);

/// One price at one time.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tick {
    /// Counts the ticks from 1 on, so that a missing one is seen.
    pub(crate) number: u64,
    /// In milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) price: f64,
}

/// Where the price is, and where it goes.
pub(crate) struct Walk {
    random: StdRng,
    number: u64,
    cents: i32,
}

impl Walk {
    /// Starts a walk at 100.00.
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), number: 0, cents: 10_000 }
    }

    /// Goes one step, and returns the price there.
    pub(crate) fn step(&mut self) -> Tick {
        let (lowest, highest) = BOUNDS;
        self.number += 1;
        self.cents = (self.cents + self.random.random_range(-STEP..=STEP)).clamp(lowest, highest);
        Tick { number: self.number, time: now(), price: f64::from(self.cents) / 100.0 }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_millis);
    u64::try_from(since).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Walk;

    fn prices(seed: u64) -> Vec<(u64, f64)> {
        let mut walk = Walk::new(seed);
        (0..10_000).map(|_| walk.step()).map(|tick| (tick.number, tick.price)).collect()
    }

    #[test]
    fn a_seed_gives_the_same_prices_again() {
        assert_eq!(prices(7), prices(7));
        assert_ne!(prices(7), prices(8));
    }

    #[test]
    fn ticks_are_numbered_and_stay_within_bounds() {
        for (expected, (number, price)) in (1..).zip(prices(7)) {
            assert_eq!(number, expected);
            assert!((10.0..=1_000.0).contains(&price), "{price}");
        }
    }
}
