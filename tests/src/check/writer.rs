//! Writers: they create, patch and remove over one transport each, several calls at once, and note what became of them.
//!
//! Every record and every change has a text of its own, so that an event tells which call has caused it.

mod wires;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::time::sleep;

use self::wires::Wire;
pub(super) use self::wires::WireKind;
use super::history::{Change, Outcome, Write};

/// How many records there are before more are removed than made.
const RECORDS: usize = 150;

/// What the writers share: the records that there should be, and the calls so far.
#[derive(Debug)]
pub(super) struct Board {
    start: Instant,
    records: Mutex<Vec<String>>,
    writes: Mutex<Vec<Write>>,
}

impl Board {
    pub(super) fn new(start: Instant) -> Arc<Self> {
        Arc::new(Self { start, records: Mutex::default(), writes: Mutex::default() })
    }

    /// Forgets the records: there is a new server, which has none.
    pub(super) fn clear(&self) {
        lock(&self.records).clear();
    }

    /// Returns the milliseconds since the beginning of the run.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Notes a call.
    pub(super) fn push(&self, write: Write) {
        lock(&self.writes).push(write);
    }

    /// Takes everything that was done.
    pub(super) fn take_writes(&self) -> Vec<Write> {
        std::mem::take(&mut lock(&self.writes))
    }
}

/// Describes the record that is made when all writers have ended.
pub(super) fn last_word(board: &Board) -> (Value, Write) {
    let last = "last".to_owned();
    let changes = vec![change("items", "created", last.clone(), last)];
    let write = Write { changes, outcome: Outcome::Done, at: board.now() };
    (json!({ "id": "last", "mark": "last" }), write)
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: &'static str,
    pub(super) method: &'static str,
    pub(super) id: Option<String>,
    pub(super) data: Value,
    changes: Vec<Change>,
}

/// A writer.
#[derive(Debug)]
pub(super) struct Writer {
    number: usize,
    rng: StdRng,
    board: Arc<Board>,
    wire: Wire,
    next: u64,
}

impl Writer {
    pub(super) fn new(number: usize, seed: u64, kind: WireKind, door: String, board: Arc<Board>) -> Self {
        let rng = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number as u64));
        Self { number, rng, board, wire: Wire::new(kind, door), next: 0 }
    }

    /// Writes until the time is over.
    pub(super) async fn run(mut self, until: Instant) {
        while Instant::now() < until {
            let burst = self.rng.random_range(1..=6);
            let calls: Vec<Call> = (0..burst).map(|_| self.draw()).collect();
            let outcomes = self.wire.call(&calls).await;
            let lost = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown(_)));
            for (call, outcome) in calls.into_iter().zip(outcomes) {
                self.note(call, outcome);
            }
            let pause = self.rng.random_range(if lost { 100..300 } else { 10..120 });
            sleep(Duration::from_millis(pause)).await;
        }
    }

    fn note(&self, call: Call, outcome: Outcome) {
        let mut records = lock(&self.board.records);
        if outcome == Outcome::Done && call.path == "items" && call.method == "create" {
            records.extend(call.changes.iter().map(|change| change.id.clone()));
        }
        drop(records);
        let write = Write { changes: call.changes, outcome, at: self.board.now() };
        self.board.push(write);
    }

    fn draw(&mut self) -> Call {
        let known = lock(&self.board.records).len();
        match self.rng.random_range(0..100) {
            0..4 => self.create("items", 1, true),
            4..10 => self.create("secrets", 1, false),
            10..16 => {
                let count = self.rng.random_range(2..=5);
                self.create("items", count, false)
            }
            16..56 if known > 0 => self.patch(),
            56..80 if known > 0 => self.remove(),
            80..90 if known > RECORDS => self.remove(),
            _ => self.create("items", 1, false),
        }
    }

    fn create(&mut self, path: &'static str, count: usize, fails: bool) -> Call {
        let changes: Vec<Change> = (0..count)
            .map(|_| {
                let id = self.text();
                change(path, "created", id.clone(), id)
            })
            .collect();
        let (pause, pad) = (self.pause(), self.pad());
        let record = |change: &Change| {
            let mut record = json!({ "id": change.id, "mark": change.mark, "pad": pad });
            if fails {
                record["fail"] = true.into();
            }
            if let Some(pause) = pause {
                record["pause"] = pause.into();
            }
            record
        };
        let data = match changes.as_slice() {
            [one] => record(one),
            many => many.iter().map(record).collect(),
        };
        Call { path, method: "create", id: None, data, changes }
    }

    fn patch(&mut self) -> Call {
        let mark = self.text();
        let id = self.pick(false);
        let mut data = json!({ "mark": mark });
        if let Some(pause) = self.pause() {
            data["pause"] = pause.into();
        }
        let changes = vec![change("items", "patched", id.clone(), mark)];
        Call { path: "items", method: "patch", id: Some(id), data, changes }
    }

    fn remove(&mut self) -> Call {
        // Sometimes two writers remove the same; only one of them can.
        let take = self.rng.random_bool(0.9);
        let id = self.pick(take);
        let changes = vec![change("items", "removed", id.clone(), String::new())];
        Call { path: "items", method: "remove", id: Some(id), data: Value::Null, changes }
    }

    fn pick(&mut self, take: bool) -> String {
        let mut records = lock(&self.board.records);
        if records.is_empty() {
            return "nobody".to_owned();
        }
        let index = self.rng.random_range(0..records.len());
        if take { records.swap_remove(index) } else { records.get(index).cloned().unwrap_or_default() }
    }

    /// Some calls take a while after their change is made.
    fn pause(&mut self) -> Option<u64> {
        self.rng.random_bool(0.2).then(|| self.rng.random_range(1..60))
    }

    /// Some records are large, so that a client that does not read is soon felt.
    fn pad(&mut self) -> String {
        let length = if self.rng.random_bool(0.3) { self.rng.random_range(0..6_000) } else { 0 };
        "x".repeat(length)
    }

    /// Makes a text that no writer has made before.
    fn text(&mut self) -> String {
        self.next += 1;
        format!("w{}-{}", self.number, self.next)
    }
}

fn change(path: &str, name: &str, id: String, mark: String) -> Change {
    Change { path: path.to_owned(), name: name.to_owned(), id, mark }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
