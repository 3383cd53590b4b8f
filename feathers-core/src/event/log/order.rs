//! The order of commits: slots that are taken at a commit, and closed when hooks and publishers are done.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::time::Instant;

use super::caller::Caller;
use crate::event::Event;

/// The slots that are not passed on yet, in the order of commits: a plain state machine.
///
/// A slot is passed on when everything before it is closed, and when all slots of its call are: the events of one call
/// stay together.
#[derive(Debug, Default)]
pub(super) struct Order {
    slots: VecDeque<Slot>,
    /// How many of them are closed, and wait for others.
    waiting: usize,
    /// The last slot that was passed on.
    passed: u64,
}

#[derive(Debug)]
struct Slot {
    since: Instant,
    state: State,
    /// The first slot of the same call.
    first: u64,
    /// In the first slot of a call: how many it has, and how many of these are open.
    count: usize,
    open: usize,
}

#[derive(Debug)]
enum State {
    Open,
    Filled(Arc<Event>, Option<Caller>),
    Empty,
}

/// An event whose turn it is, with its slot as its number.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) event: Arc<Event>,
    /// When its slot was taken.
    pub(super) at: Instant,
    /// Whose it is, if its call came from outside.
    pub(super) caller: Option<Caller>,
}

/// The events whose turn it is, in order: most often one.
pub(super) type Turn = SmallVec<[Passed; 1]>;

impl Order {
    /// Returns the last slot that was passed on.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Opens `count` slots at the end for one call, and returns the first.
    pub(super) fn reserve(&mut self, count: usize, now: Instant) -> u64 {
        let first = self.passed + 1 + self.slots.len() as u64;
        let slot = |_| Slot { since: now, state: State::Open, first, count, open: count };
        self.slots.extend((0..count).map(slot));
        first
    }

    /// Closes a slot, and returns the events whose turn it is because of that.
    ///
    /// A slot that was given up before is past its turn: its event goes to the end.
    /// An event is as old as its slot, so that the clock is asked once.
    pub(super) fn close(&mut self, seq: u64, event: Option<Arc<Event>>, caller: Option<Caller>) -> Turn {
        let is_open = self.slot(seq).is_some_and(|slot| matches!(slot.state, State::Open));
        let seq = match (is_open, &event) {
            (true, _) => seq,
            (false, None) => return Turn::new(),
            (false, Some(_)) => self.reserve(1, Instant::now()),
        };
        let event = event.map(|mut event| {
            event.set_seq(seq);
            event
        });
        let mut turn = Turn::new();
        if seq == self.passed + 1
            && let Some(Slot { since: at, .. }) = self.slots.pop_front_if(|slot| slot.count == 1)
        {
            self.passed = seq;
            turn.extend(event.map(|event| Passed { event, at, caller }));
        } else if let Some(slot) = self.slot(seq) {
            slot.state = event.map_or(State::Empty, |event| State::Filled(event, caller));
            let first = slot.first;
            self.count_closed(first);
        }
        self.pass(&mut turn);
        turn
    }

    /// Closes open slots that are at least as old as `patience`, and returns the events whose turn it is because of
    /// that.
    pub(super) fn give_up_stale(&mut self, now: Instant, patience: Duration) -> Turn {
        for index in 0..self.slots.len() {
            if let Some(slot) = self.slots.get_mut(index)
                && matches!(slot.state, State::Open)
                && now.duration_since(slot.since) >= patience
            {
                metrics::counter!(crate::metrics::LOG_SLOTS_GIVEN_UP).increment(1);
                slot.state = State::Empty;
                let first = slot.first;
                self.count_closed(first);
            }
        }
        let mut turn = Turn::new();
        self.pass(&mut turn);
        turn
    }

    /// Tells whether a closed slot waits for an open one.
    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Notes that a slot of the call with this first slot is closed.
    fn count_closed(&mut self, first: u64) {
        self.waiting += 1;
        if let Some(first) = self.slot(first) {
            first.open -= 1;
        }
    }

    /// Passes on the calls at the front that have no open slot.
    fn pass(&mut self, turn: &mut Turn) {
        while let Some(count) = self.slots.front().filter(|first| first.open == 0).map(|first| first.count) {
            for slot in self.slots.drain(..count) {
                if let State::Filled(event, caller) = slot.state {
                    turn.push(Passed { event, at: slot.since, caller });
                }
            }
            self.waiting -= count;
            self.passed += count as u64;
        }
    }

    fn slot(&mut self, seq: u64) -> Option<&mut Slot> {
        let index = usize::try_from(seq.checked_sub(self.passed + 1)?).ok()?;
        self.slots.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::event::EventKind;

    fn event() -> Arc<Event> {
        let kind = EventKind::new(&"a".into(), "b".into(), Arc::default());
        Event::from_texts(kind, &Bytes::from_static(b"{}"), std::iter::empty())
    }

    fn numbers(turn: &Turn) -> Vec<u64> {
        turn.iter().map(|passed| passed.event.seq()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_events_of_one_call_stay_together() {
        let mut order = Order::default();
        let now = Instant::now();
        let (one, three, last) = (order.reserve(1, now), order.reserve(3, now), order.reserve(1, now));
        assert_eq!((one, three, last), (1, 2, 5));
        assert_eq!(numbers(&order.close(5, Some(event()), None)), [0; 0]);
        assert_eq!(numbers(&order.close(2, Some(event()), None)), [0; 0]);
        assert_eq!(numbers(&order.close(1, Some(event()), None)), [1]);
        assert!(order.has_waiting());
        assert_eq!(numbers(&order.close(4, Some(event()), None)), [0; 0]);
        assert_eq!(numbers(&order.close(3, None, None)), [2, 4, 5]);
        assert_eq!((order.passed(), order.has_waiting()), (5, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_that_is_given_up_holds_up_no_other_and_its_event_comes_last() {
        let mut order = Order::default();
        let now = Instant::now();
        order.reserve(2, now);
        order.reserve(1, now + Duration::from_secs(1));
        assert_eq!(numbers(&order.close(1, Some(event()), None)), [0; 0]);
        assert_eq!(numbers(&order.give_up_stale(now + Duration::from_secs(1), Duration::from_secs(1))), [1]);
        assert_eq!(numbers(&order.close(2, Some(event()), None)), [0; 0], "behind the slot that is still open");
        assert_eq!(numbers(&order.close(2, None, None)), [0; 0], "it is closed already");
        assert_eq!(numbers(&order.close(3, Some(event()), None)), [3, 4]);
    }

    /// The numbers of slots of calls, and the slots in the order in which they are closed: with an event or without.
    fn closings() -> impl Strategy<Value = (Vec<usize>, Vec<(u64, bool)>)> {
        prop::collection::vec(1_usize..4, 1..8).prop_flat_map(|calls| {
            let filled = prop::collection::vec(any::<bool>(), calls.iter().sum::<usize>());
            let slots = filled.prop_map(|filled| (1..).zip(filled).collect::<Vec<(u64, bool)>>());
            (Just(calls), slots.prop_shuffle())
        })
    }

    proptest! {
        /// However slots are closed: each event comes once, in order, and the events of a call come at once.
        #[test]
        fn each_event_comes_once_and_in_order((calls, closings) in closings()) {
            let (mut order, now, mut passed) = (Order::default(), Instant::now(), Vec::new());
            let calls: Vec<_> = calls.into_iter().map(|count| (order.reserve(count, now), count as u64)).collect();
            let mut filled: Vec<u64> = closings.iter().filter(|(_, filled)| *filled).map(|(slot, _)| *slot).collect();
            for (slot, is_filled) in closings {
                passed.extend(numbers(&order.close(slot, is_filled.then(event), None)));
                for (first, count) in &calls {
                    let of_call = |seq: &&u64| (*first..first + count).contains(*seq);
                    let (own, all) = (passed.iter().filter(of_call).count(), filled.iter().filter(of_call).count());
                    prop_assert!(own == 0 || own == all, "{:?} of {:?}", passed, calls);
                }
            }
            filled.sort_unstable();
            prop_assert_eq!(passed, filled);
            prop_assert!(!order.has_waiting());
        }
    }
}
