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
use super::local::EventLog;
use super::reset::ResetReason;
use super::ring::{Retention, Ring};
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
    /// Puts events into the order of their commits; keeps none.
    pub(super) order: Mutex<Ring>,
    outbox: mpsc::Sender<Entry>,
    log: Arc<dyn LogEngine>,
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
    inbox: mpsc::Receiver<Entry>,
}

impl LogBridge {
    pub(crate) fn new(log: Arc<dyn LogEngine>) -> (Self, BridgeTasks) {
        let (outbox, inbox) = mpsc::channel(WAITING);
        let keep_none = Retention { count: 0, age: Duration::ZERO, bytes: 0 };
        (Self { order: Mutex::new(Ring::new(keep_none)), outbox, log }, BridgeTasks { inbox })
    }

    /// Sends events on, in order; `false` if one has no way.
    ///
    /// A filter is code of this process, which no log can carry; and a log that is away for too long leaves no room.
    pub(super) fn send(&self, events: &[Arc<Event>]) -> bool {
        let mut whole = true;
        for event in events {
            let sent = match event.to_entry() {
                Some(entry) => self.outbox.try_send(entry).is_ok(),
                None => false,
            };
            if !sent {
                metrics::counter!(crate::metrics::LOG_EVENTS_LOST).increment(1);
                tracing::error!(path = %event.path(), event = %event.name(), "an event cannot go through the shared log");
                whole = false;
            }
        }
        whole
    }

    pub(super) fn with_order<T>(&self, change: impl FnOnce(&mut Ring) -> T) -> T {
        change(&mut self.order.lock().unwrap_or_else(PoisonError::into_inner))
    }
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

async fn append(host: BridgeHost, log: Arc<dyn LogEngine>, mut inbox: mpsc::Receiver<Entry>) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let received = tokio::time::timeout(PATIENCE, inbox.recv_many(&mut batch, BATCH));
        if received.await.is_err() || batch.is_empty() {
            if host.is_stopping() {
                return;
            }
            continue;
        }
        let mut pause = Pause::default();
        while let Err(error) = log.append(&batch).await {
            tracing::warn!(%error, "the shared log does not take events");
            if host.is_stopping() || pause.wait(&host.stopping).await {
                return;
            }
        }
        batch.clear();
        if host.is_stopping() && inbox.is_empty() {
            return;
        }
    }
}

/// Reads what the shared log holds already.
pub(crate) async fn backfill(host: &BridgeHost, shared: &dyn LogEngine) -> Result<()> {
    let log = host.hub.log();
    loop {
        match shared.read(log.head(), BATCH).await? {
            LogRead::Entries(entries) if entries.is_empty() => return Ok(()),
            LogRead::Entries(entries) => {
                for (seq, entry) in entries {
                    log.take(seq, from_entry(&host.hub, entry));
                }
            }
            LogRead::Reset(reason) => restart(log, shared, log.head(), reason).await?,
        }
    }
}

async fn tail(host: BridgeHost, shared: Arc<dyn LogEngine>) {
    let log = host.hub.log();
    let mut pause = Pause::default();
    while !host.is_stopping() {
        let after = log.head();
        match shared.read(after, BATCH).await {
            Ok(LogRead::Entries(entries)) if entries.is_empty() => {
                pause = Pause::default();
                futures_util::future::select(
                    std::pin::pin!(shared.changed(after)),
                    std::pin::pin!(host.stopping.cancelled()),
                )
                .await;
            }
            Ok(LogRead::Entries(entries)) => {
                pause = Pause::default();
                for (seq, entry) in entries {
                    log.take(seq, from_entry(&host.hub, entry));
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

/// Goes on from where the log is now; readers behind that get a reset.
async fn restart(log: &EventLog, shared: &dyn LogEngine, after: Cursor, reason: ResetReason) -> Result<()> {
    let bounds = shared.bounds().await?;
    let from = if reason == ResetReason::Trimmed && bounds.epoch == after.epoch { bounds.oldest } else { bounds.head };
    log.restart(Cursor { epoch: bounds.epoch, seq: from });
    Ok(())
}

fn from_entry(hub: &Hub, entry: Entry) -> Arc<Event> {
    let channels = entry.targets.into_iter().map(|target| (hub.channel(target.channels), target.data));
    // What another process has published holds nothing hidden.
    let kind = EventKind { path: entry.path, name: entry.event, hidden: Arc::default() };
    Event::from_texts(kind, entry.data, channels)
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
