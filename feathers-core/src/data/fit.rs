//! The second look at JSON that did not fit a type: takes what only looks different, and finds every mistake.
//!
//! Serde stops at the first mistake and forgets where it was. Here each place knows its path, and a place with a
//! mistake is repaired before the value is read again, until it fits or too many were found. Whole numbers may be
//! written as `30.0` and `3e1`, and in a form every number and boolean is a text.

mod any;
mod failure;
mod key;
mod node;
mod place;

use std::cell::Cell;
use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use self::failure::{Failure, What};
use self::node::Node;
use self::place::Place;
use crate::data::error::{Error, Result};

/// How many mistakes are looked for.
const MISTAKES: usize = 50;
/// How many values are looked at for that, in all rounds together.
const LOOKS: usize = 1_000_000;

/// Reads a value into a type; `form` says that texts stand for what the type wants.
///
/// What does not fit is a 400 with an item for each mistake.
#[cold]
pub(crate) fn fit<T: DeserializeOwned>(value: &Value, form: bool) -> Result<T> {
    let mut round = Round { form, repairs: HashMap::new(), looks: Cell::new(0) };
    let mut items = Vec::new();
    while items.len() < MISTAKES && round.looks.get() < LOOKS {
        match T::deserialize(Node { value, place: &Place::Root, round: &round }) {
            Ok(fits) if items.is_empty() => return Ok(fits),
            Ok(_) => break,
            Err(failure) => match round.repair(&failure) {
                Repaired::Silently => {}
                Repaired::Mistake => items.push(failure.item()),
                // Only what is said of the value as it was sent is a mistake of the sender.
                Repaired::No if items.is_empty() => {
                    items.push(failure.item());
                    break;
                }
                Repaired::No => break,
            },
        }
    }
    Err(Error::validation(items))
}

/// What is known of the value so far.
struct Round {
    form: bool,
    /// By the address of the value that is repaired.
    repairs: HashMap<usize, Repair>,
    looks: Cell<usize>,
}

/// How a value is read instead.
enum Repair {
    /// An empty text of a form: as `null`.
    Empty,
    /// As whatever the type wants.
    Any,
    /// As an object with other fields: these are passed over, and those are added.
    Fields { unknown: Vec<String>, missing: Vec<&'static str> },
}

/// What a repair says of the value.
enum Repaired {
    /// It may have meant something else, which is no mistake.
    Silently,
    /// There is a mistake.
    Mistake,
    /// There is no way to go on.
    No,
}

impl Round {
    fn repair(&mut self, failure: &Failure) -> Repaired {
        let Some(at) = failure.at.as_ref().filter(|_| !failure.hopeless) else { return Repaired::No };
        let old = self.repairs.get_mut(&at.address);
        match (&failure.what, old) {
            (What::Missing(name), Some(Repair::Fields { missing, .. })) if !missing.contains(name) => {
                missing.push(name);
                Repaired::Mistake
            }
            (What::Unknown(name), Some(Repair::Fields { unknown, .. })) if !unknown.contains(name) => {
                unknown.push(name.clone());
                Repaired::Mistake
            }
            (_, Some(Repair::Any)) | (What::Missing(_) | What::Unknown(_), Some(_)) => Repaired::No,
            (What::Missing(name), None) => {
                self.repairs.insert(at.address, Repair::Fields { unknown: Vec::new(), missing: vec![name] });
                Repaired::Mistake
            }
            (What::Unknown(name), None) => {
                self.repairs.insert(at.address, Repair::Fields { unknown: vec![name.clone()], missing: Vec::new() });
                Repaired::Mistake
            }
            (_, None) if self.form && at.is_empty_text => {
                self.repairs.insert(at.address, Repair::Empty);
                Repaired::Silently
            }
            _ => {
                self.repairs.insert(at.address, Repair::Any);
                Repaired::Mistake
            }
        }
    }
}

#[cfg(test)]
mod tests;
