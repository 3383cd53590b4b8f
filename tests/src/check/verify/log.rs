//! The log, put together from what all readers have received: the same slot must hold the same event for all of them.

use std::collections::{BTreeMap, HashMap};

use super::{History, Violation, show};
use crate::check::history::{Change, Spot, Step};

/// All events that any reader has received, by their slots.
#[derive(Debug, Default)]
pub(super) struct Log(HashMap<String, BTreeMap<u64, Change>>);

impl Log {
    pub(super) fn of(readers: &[History], violations: &mut Vec<Violation>) -> Self {
        let mut log = Self::default();
        for reader in readers {
            for (index, (_, step)) in reader.steps.iter().enumerate() {
                let Step::Event { at, change } = step else { continue };
                let known = log.0.entry(at.epoch.clone()).or_default().entry(at.seq).or_insert_with(|| change.clone());
                if known != change {
                    let what = format!("{}: at {at} there is '{known}' for others", reader.name());
                    violations.push(Violation { what, history: show(&reader.steps, index) });
                }
            }
        }
        log
    }

    /// Returns the events after a slot and before another.
    pub(super) fn between(&self, after: &Spot, before: u64) -> impl Iterator<Item = (u64, &Change)> {
        let events = self.0.get(&after.epoch).filter(|_| after.seq + 1 < before);
        events.into_iter().flat_map(move |log| log.range(after.seq + 1..before)).map(|(seq, change)| (*seq, change))
    }

    /// Returns the slots of every change.
    pub(super) fn places(&self) -> HashMap<&Change, Vec<Spot>> {
        let mut places: HashMap<&Change, Vec<Spot>> = HashMap::new();
        for (epoch, events) in &self.0 {
            for (seq, change) in events {
                places.entry(change).or_default().push(Spot { epoch: epoch.clone(), seq: *seq });
            }
        }
        places
    }
}
