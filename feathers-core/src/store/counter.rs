//! The counter of a store: which number a new record gets.

use crate::data::error::{Error, Result};
use crate::data::id::Id;

/// Counts the ids of a store that makes its own numbers.
///
/// It starts before 1 and goes up. A number that data chooses moves it along, so that its next number is larger. A
/// chosen number of 2^52 or more does not, so that no client can use up all numbers.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::store::Counter;
///
/// let mut counter = Counter::default();
/// assert_eq!(counter.count().unwrap(), 1);
/// counter.choose(10).unwrap();
/// counter.choose((1 << 53) - 1).unwrap();
/// assert_eq!(counter.count().unwrap(), 11);
/// assert_eq!(counter.choose(1 << 53).unwrap_err().code(), 400);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter(i64);

impl Counter {
    /// Chosen numbers below this one move the counter along.
    pub const FOLLOWS: i64 = 1 << 52;

    /// Goes on after a number.
    pub const fn after(last: i64) -> Self {
        Self(last)
    }

    /// Returns the last number.
    pub const fn last(self) -> i64 {
        self.0
    }

    /// Makes the next number.
    ///
    /// # Errors
    /// There is no number left that JavaScript can tell from its neighbours.
    pub fn count(&mut self) -> Result<i64> {
        if self.0 >= Id::MAX_INT {
            return Err(Error::general("no id is left for a new record"));
        }
        self.0 += 1;
        Ok(self.0)
    }

    /// Takes note of a number that data chooses.
    ///
    /// # Errors
    /// A number that JavaScript cannot tell from its neighbours: a 400.
    pub fn choose(&mut self, number: i64) -> Result<()> {
        if !Id::is_exact(number) {
            return Err(Error::bad_request(format!(
                "'{number}' is no valid id: a number must be within ±{}",
                Id::MAX_INT
            )));
        }
        if number < Self::FOLLOWS {
            self.0 = self.0.max(number);
        }
        Ok(())
    }
}
