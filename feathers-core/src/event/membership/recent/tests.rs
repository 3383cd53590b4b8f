//! The table stays within its bounds, and keeps nothing that no client can ask for.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::event::log::Retention;
use crate::event::{Event, EventKind};

fn log() -> EventLog {
    EventLog::new(Retention::default().count(3), Duration::ZERO)
}

fn pass(log: &EventLog, places: u64) {
    (0..places).for_each(|_| drop(log.slot(None)));
}

fn publish(log: &EventLog) {
    let kind = EventKind::new(&"notes".into(), "created".into(), Arc::default());
    log.slot(None).fill(Event::from_texts(kind, &Bytes::from_static(b"{}"), std::iter::empty()));
}

fn name(text: &(impl ToString + ?Sized)) -> Arc<str> {
    text.to_string().into()
}

fn come_and_go(history: &RecentMemberships, subject: &(impl ToString + ?Sized), channel: &str, log: &EventLog) {
    let (subject, channel) = (name(subject), name(channel));
    history.join(&subject, &channel, None, log);
    history.leave(&subject, &channel, Departure::Lost, log);
}

fn known(history: &RecentMemberships) -> (usize, usize) {
    let state = history.state.lock().unwrap();
    let channels = state.subjects.values().map(|owner| owner.channels.len()).sum();
    assert_eq!(state.subjects.values().map(|owner| owner.idle).sum::<usize>(), state.idle.len());
    assert!(state.subjects.values().all(|owner| !owner.channels.is_empty()));
    (channels, state.idle.len())
}

/// Joins `home`, and asks for the events after a slot.
fn rejoin(history: &RecentMemberships, subject: &(impl ToString + ?Sized), seq: u64, log: &EventLog) -> Replayable {
    history.join(&name(subject), &name("home"), Some(ReplayStart { seq, is_cursor: false }), log)
}

#[test]
fn past_the_bound_the_oldest_are_forgotten_and_unknown() {
    let (history, log) = (RecentMemberships::new(10), log());
    for subject in 0..25 {
        come_and_go(&history, &subject, "home", &log);
    }
    assert_eq!(known(&history), (10, 10));
    pass(&log, 1);
    assert_eq!(rejoin(&history, &24, 0, &log), Replayable { since: 0, has_gap: false });
    let forgotten = rejoin(&history, &0, 0, &log);
    assert_eq!(forgotten, Replayable { since: 1, has_gap: false }, "it was forgotten here, and no event came after it");
    pass(&log, 1);
    come_and_go(&history, &100, "home", &log);
    come_and_go(&history, &101, "home", &log);
    let forgotten = rejoin(&history, &15, 1, &log);
    assert_eq!(forgotten, Replayable { since: 2, has_gap: true });
}

#[test]
fn one_subject_does_not_push_out_the_others() {
    let (history, log) = (RecentMemberships::new(2_000), log());
    come_and_go(&history, "ann", "home", &log);
    for channel in 0..10_000 {
        come_and_go(&history, "mallory", &channel.to_string(), &log);
    }
    let (channels, idle) = known(&history);
    assert!(channels <= 127 && idle == channels, "{channels} {idle}");
    pass(&log, 1);
    assert_eq!(rejoin(&history, "ann", 0, &log), Replayable { since: 0, has_gap: false });
}

#[test]
fn what_is_older_than_the_log_is_not_kept() {
    let (history, log) = (RecentMemberships::default(), log());
    for subject in 0..100 {
        come_and_go(&history, &subject, "home", &log);
        publish(&log);
    }
    assert!(known(&history).1 <= 5, "{:?}", known(&history));
    // Connections count for nothing.
    history.join(&name("ann"), &name("home"), None, &log);
    assert_eq!(known(&history).0, known(&history).1 + 1);
}
