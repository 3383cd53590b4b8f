//! Small histories by hand: what is in order passes, and each kind of fault is found and named.

use super::{Evidence, History, verify};
use crate::check::history::{Change, Outcome, Records, Spot, Step, Way, Write};

const RETAIN: usize = 100;

fn spot(seq: u64) -> Spot {
    Spot { epoch: "a".to_owned(), seq }
}

/// The change of the event in this slot.
fn change(seq: u64) -> Change {
    let id = format!("r{seq}");
    Change { path: "items".to_owned(), name: "created".to_owned(), id: id.clone(), mark: id }
}

fn event(seq: u64) -> Step {
    Step::Event { at: spot(seq), change: change(seq) }
}

fn stands(seq: u64) -> Step {
    Step::Stands { at: spot(seq) }
}

fn reset(reason: &str, to: Spot, oldest: u64) -> Step {
    Step::Reset { reason: reason.to_owned(), at: to, oldest: Some(spot(oldest)) }
}

fn opens() -> Step {
    Step::Opens { since: None }
}

fn records(seqs: std::ops::RangeInclusive<u64>) -> Records {
    seqs.map(|seq| (format!("r{seq}"), format!("r{seq}"))).collect()
}

/// Checks the histories of two readers; the first one has seen all of a log from 1 to `head`.
fn findings(head: u64, steps: Vec<Step>, outcome: &Outcome) -> Vec<String> {
    let history = |number, way, steps: Vec<Step>| {
        let steps = steps.into_iter().map(|step| (0, step)).collect();
        History { number, way, steady: number == 0, steps }
    };
    let all = std::iter::once(stands(0)).chain((1..=head).map(event)).collect();
    let write = |seq| Write { changes: vec![change(seq)], outcome: Outcome::Done, at: 0 };
    let mut writes: Vec<Write> = (1..=head).map(write).collect();
    if let Some(first) = writes.first_mut() {
        first.outcome = outcome.clone();
    }
    let evidence = Evidence {
        readers: vec![history(0, Way::WebSocket, all), history(1, Way::Sse, steps)],
        writes,
        ends: Vec::new(),
        head: spot(head),
        records: records(1..=head),
        retain: RETAIN,
    };
    verify(&evidence).into_iter().map(|violation| violation.what).collect()
}

fn check(head: u64, steps: impl IntoIterator<Item = Step>, expected: &[&str]) {
    let found = findings(head, steps.into_iter().collect(), &Outcome::Done);
    let fits = found.len() == expected.len() && found.iter().zip(expected).all(|(found, part)| found.contains(part));
    assert!(fits, "{found:?} is not {expected:?}");
}

#[test]
fn what_is_in_order_passes() {
    check(3, [stands(0), event(1), event(2), event(3)], &[]);
    check(3, [stands(0), event(1), stands(1), opens(), event(2), event(3), stands(5)], &[]);
    let read = Step::Reads { records: records(1..=199) };
    check(200, [stands(0), event(1), opens(), reset("trimmed", spot(199), 99), read.clone(), event(200)], &[]);
    let other = Spot { epoch: "z".to_owned(), seq: 7 };
    check(200, [Step::Stands { at: other }, opens(), reset("epoch", spot(199), 0), read, event(200)], &[]);
}

#[test]
fn gaps_doubles_and_disorder_are_found() {
    check(3, [stands(0), event(1), event(3)], &["gap: 1 missed between a-1 and a-3"]);
    check(3, [stands(0), event(1), stands(3)], &["gap: 2 missed between a-1 and a-3"]);
    check(3, [stands(0), event(1), event(1), event(2), event(3)], &["a-1 comes twice or too late"]);
    check(3, [stands(0), event(1), event(2), event(3), event(2)], &["a-2 comes twice or too late"]);
    check(3, [stands(0), event(1), event(2)], &["never came to a-3"]);
    check(3, [stands(0), event(1), event(2), event(3), stands(1)], &["its place goes back to a-1"]);
    let wrong = Step::Event { at: spot(2), change: change(9) };
    check(3, [stands(0), event(1), wrong, event(3)], &["at a-2 there is", "it holds None for r2"]);
}

#[test]
fn untrue_resets_are_found() {
    let untrue = |step: Step| check(200, [stands(0), event(1), opens(), step], &["is not true"]);
    untrue(reset("epoch", spot(200), 0));
    untrue(reset("future", spot(200), 0));
    // The missed events are still kept.
    untrue(reset("trimmed", spot(30), 0));
    untrue(reset("lagged", spot(200), 0));
    let other = Step::Stands { at: Spot { epoch: "z".to_owned(), seq: 7 } };
    check(3, [other, event(1), event(2), event(3)], &["from z-7 to a-1 without a reset"]);
}

#[test]
fn writes_that_failed_and_states_that_differ_are_found() {
    let all = || vec![stands(0), event(1), event(2)];
    assert_eq!(findings(2, all(), &Outcome::Unknown("lost".to_owned())), Vec::<String>::new());
    let found = findings(2, all(), &Outcome::Failed("400".to_owned()));
    assert!(matches!(found.as_slice(), [one] if one.contains("phantom") && one.contains("failed")), "{found:?}");
    let stale = Step::Reads { records: records(0..=0) };
    check(2, [stands(0), stale, event(1), event(2)], &["it holds r0, which is gone"]);
    check(2, [stands(2)], &["it holds None for r1"]);
}
