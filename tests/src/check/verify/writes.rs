//! The writes against the log: a change that was done is there once, one that failed is not, and nothing else is.

use std::collections::{HashMap, HashSet};

use super::log::Log;
use super::{Evidence, Violation};
use crate::check::history::{Change, Outcome, Spot, Write};

/// The last moments of a server, in milliseconds: what it has done then, and has answered to the writer, no reader may
/// have got. The answer may also have been held up on its way.
const LAST_WORDS: u64 = 500;
const HELD_UP: u64 = 3_500;

pub(super) fn compare(evidence: &Evidence, log: &Log, violations: &mut Vec<Violation>) {
    let places = log.places();
    let mut tried: HashSet<&Change> = HashSet::new();
    let mut refused: HashMap<&Change, &Write> = HashMap::new();
    for write in &evidence.writes {
        for change in &write.changes {
            if matches!(write.outcome, Outcome::Failed(_)) {
                refused.insert(change, write);
            } else {
                tried.insert(change);
            }
        }
    }
    let mut report = |what: String, write: Option<&Write>| {
        violations.push(Violation { what, history: write.iter().map(|write| format!("{write:?}")).collect() });
    };
    for (change, spots) in &places {
        if spots.len() > 1 {
            report(format!("'{change}' is in the log more than once: {spots:?}"), None);
        }
        if !tried.contains(change) {
            let write = refused.get(change).copied();
            let why = if write.is_some() { "failed" } else { "was never asked for" };
            report(format!("phantom: '{change}' at {spots:?} {why}"), write);
        }
    }
    for write in evidence.writes.iter().filter(|write| write.changes.iter().all(|change| change.path == "items")) {
        let found: Vec<&Spot> = write.changes.iter().filter_map(|change| places.get(change)?.first()).collect();
        let whole = found.len() == write.changes.len();
        match &write.outcome {
            Outcome::Failed(_) => {}
            _ if is_last_word(write, evidence) => {}
            Outcome::Done if !whole => report("a call that was done is not in the log".to_owned(), Some(write)),
            Outcome::Unknown(_) if !whole && !found.is_empty() => {
                report("half of a call is in the log".to_owned(), Some(write));
            }
            Outcome::Done | Outcome::Unknown(_) => {
                if !found.is_sorted_by(|one, next| one.epoch == next.epoch && one.seq < next.seq) {
                    report(format!("the changes of one call are out of order: {found:?}"), Some(write));
                }
            }
        }
    }
}

/// Tells whether a server has ended about the time when the answer came or was given up.
fn is_last_word(write: &Write, evidence: &Evidence) -> bool {
    evidence.ends.iter().any(|end| (end.saturating_sub(LAST_WORDS)..*end + HELD_UP).contains(&write.at))
}
