//! The bridge: carries events from this process to a shared log, and from there to this process.
//!
//! Events leave in the order of their commits and come back in the order of the log, which all processes share.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::cursor::Cursor;
use super::entry::Entry;
use super::interest::Interest;
use super::local::EventLog;
use super::order::{Order, Passed};
use super::reset::ResetReason;
use super::shared::{LogEngine, LogRead};
use crate::data::error::Result;
use crate::event::channel::Hub;
use crate::event::{Event, EventKind};

/// How many events may wait for the shared log.
const WAITING: usize = 10_000;
/// How many entries are written or read at once.
const BATCH: usize = 256;
/// The longest pause between two tries.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way of this process's events to a shared log.
pub(crate) struct LogBridge {
    /// Puts events into the order of their commits.
    order: Mutex<Order>,
    outbox: mpsc::Sender<Outgoing>,
    log: Arc<dyn LogEngine>,
}

/// An entry on its way, and whether more follow that may not be divided from it.
struct Outgoing {
    entry: Entry,
    more: bool,
}

/// What the two tasks of a bridge need besides the shared log.
#[derive(Clone)]
pub(crate) struct BridgeHost {
    pub(crate) hub: Hub,
    pub(crate) stopping: CancellationToken,
}

impl BridgeHost {
    fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }
}

/// The two tasks of a bridge, before they have begun.
pub(crate) struct BridgeTasks {
    inbox: mpsc::Receiver<Outgoing>,
}

impl LogBridge {
    pub(crate) fn new(log: Arc<dyn LogEngine>) -> (Self, BridgeTasks) {
        let (outbox, inbox) = mpsc::channel(WAITING);
        (Self { order: Mutex::default(), outbox, log }, BridgeTasks { inbox })
    }

    /// Sends events on, in order and undivided; `false` if one has no way.
    ///
    /// A filter is code of this process, which no log can carry; and a log that is away for too long leaves no room.
    pub(super) fn send(&self, turn: &[Passed]) -> bool {
        let mut entries = Vec::with_capacity(turn.len());
        let mut whole = true;
        for Passed { event, .. } in turn {
            match event.to_entry() {
                Some(entry) => entries.push(entry),
                None => whole = lost(event),
            }
        }
        let count = entries.len();
        match self.outbox.try_reserve_many(count) {
            Ok(permits) => {
                for ((number, entry), permit) in (1..).zip(entries).zip(permits) {
                    permit.send(Outgoing { entry, more: number < count });
                }
                whole
            }
            Err(_) => turn.iter().fold(whole, |_, passed| lost(&passed.event)),
        }
    }

    pub(super) fn with_order<T>(&self, change: impl FnOnce(&mut Order) -> T) -> T {
        change(&mut self.order.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Counts an event that cannot go through the log.
fn lost(event: &Event) -> bool {
    metrics::counter!(crate::metrics::LOG_EVENTS_LOST).increment(1);
    tracing::error!(path = %event.path(), event = %event.name(), "an event cannot go through the shared log");
    false
}

impl BridgeTasks {
    /// Returns the work that writes, which ends with the host when everything has left, and the work that reads.
    pub(crate) fn start(
        self,
        host: &BridgeHost,
        bridge: &LogBridge,
    ) -> (impl Future<Output = ()> + use<>, impl Future<Output = ()> + use<>) {
        (append(host.clone(), bridge.log.clone(), self.inbox), tail(host.clone(), bridge.log.clone()))
    }
}

async fn append(host: BridgeHost, log: Arc<dyn LogEngine>, mut inbox: mpsc::Receiver<Outgoing>) {
    let mut received = Vec::with_capacity(BATCH);
    loop {
        let waited = tokio::time::timeout(PATIENCE, inbox.recv_many(&mut received, BATCH));
        if waited.await.is_err() || received.is_empty() {
            if host.is_stopping() {
                return;
            }
            continue;
        }
        // What may not be divided is there already, since it was sent at once.
        while received.last().is_some_and(|last| last.more) {
            let Some(next) = inbox.recv().await else { break };
            received.push(next);
        }
        let batch: Vec<Entry> = received.drain(..).map(|outgoing| outgoing.entry).collect();
        let mut pause = Pause::default();
        while let Err(error) = log.append(&batch).await {
            tracing::warn!(%error, "the shared log does not take events");
            if host.is_stopping() || pause.wait(&host.stopping).await {
                return;
            }
        }
        if host.is_stopping() && inbox.is_empty() {
            return;
        }
    }
}

/// Reads what the shared log holds already.
pub(crate) async fn backfill(host: &BridgeHost, shared: &dyn LogEngine) -> Result<()> {
    let (log, interest) = (host.hub.log(), Interest::everything());
    loop {
        match shared.read(log.head(), BATCH, &interest).await? {
            LogRead::Entries { entries, up_to } => {
                if !take(&host.hub, entries, up_to) {
                    return Ok(());
                }
            }
            LogRead::Reset(reason) => restart(log, shared, log.head(), reason).await?,
        }
    }
}

async fn tail(host: BridgeHost, shared: Arc<dyn LogEngine>) {
    let (log, interest) = (host.hub.log(), Interest::everything());
    let mut pause = Pause::default();
    while !host.is_stopping() {
        let after = log.head();
        match shared.read(after, BATCH, &interest).await {
            Ok(LogRead::Entries { entries, up_to }) => {
                pause = Pause::default();
                if !take(&host.hub, entries, up_to) {
                    let changed = std::pin::pin!(shared.changed(after, &interest));
                    futures_util::future::select(changed, std::pin::pin!(host.stopping.cancelled())).await;
                }
            }
            Ok(LogRead::Reset(reason)) => {
                tracing::warn!(reason = reason.name(), "the shared log has not kept what this process was to read");
                if let Err(error) = restart(log, &*shared, after, reason).await {
                    tracing::warn!(%error, "the shared log cannot be read");
                    pause.wait(&host.stopping).await;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the shared log cannot be read");
                pause.wait(&host.stopping).await;
            }
        }
    }
}

/// Takes what was read, and goes on over what is not there; `false` if that leads no further.
fn take(hub: &Hub, entries: Vec<(u64, Entry)>, up_to: u64) -> bool {
    let log = hub.log();
    let before = log.head();
    for (seq, entry) in entries {
        log.take(seq, from_entry(hub, entry));
    }
    log.skip_to(up_to);
    log.head() != before
}

/// Goes on from where the log is now; readers behind that get a reset.
async fn restart(log: &EventLog, shared: &dyn LogEngine, after: Cursor, reason: ResetReason) -> Result<()> {
    let bounds = shared.bounds().await?;
    let is_trimmed = reason == ResetReason::Trimmed && bounds.epoch == after.epoch();
    let from = if is_trimmed { bounds.oldest } else { bounds.head };
    log.restart(bounds, from);
    Ok(())
}

fn from_entry(hub: &Hub, entry: Entry) -> Arc<Event> {
    let channels = entry.targets.into_iter().map(|target| (hub.channel(target.channels), target.data));
    // What another process has published holds nothing hidden.
    let kind = EventKind { path: entry.path, name: entry.event, hidden: Arc::default(), readers: None };
    Event::from_texts(kind, &entry.data, channels)
}

/// Pauses that double, up to a bound.
#[derive(Default)]
struct Pause(u32);

impl Pause {
    /// Waits; `true` if the host stops meanwhile.
    async fn wait(&mut self, stopping: &CancellationToken) -> bool {
        let pause = Duration::from_millis(50) * 2_u32.saturating_pow(self.0.min(10));
        self.0 += 1;
        tokio::time::timeout(pause.min(PATIENCE), stopping.cancelled()).await.is_ok()
    }
}
