//! Publishers: one task for each proxy, which brings the items to its control endpoint in their order.

use std::time::Duration;

use bytes::Bytes;
use feathers_core::Result;

use super::endpoint::{Endpoint, Failure};
use super::item::{self, Item};
use super::origin::Origin;
use super::queue::Batch;
use crate::kit::close_code;

/// How many items go into one request, and how many bytes: proxies take a megabyte.
const ITEMS: usize = 500;
const BYTES: usize = 800_000;
/// The pauses between tries double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the last items may take when the app stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// Publishes to one proxy.
pub(super) struct Publisher {
    index: usize,
    endpoint: Endpoint,
    /// How many items go into the next request: fewer while one is looked for that is refused.
    most: usize,
    /// How many items the proxy has missed since it has last taken any.
    missed: u64,
    pause: Duration,
}

impl Publisher {
    pub(super) fn new(index: usize, endpoint: Endpoint) -> Self {
        Self { index, endpoint, most: ITEMS, missed: 0, pause: FIRST_PAUSE }
    }

    /// Publishes until the app stops; what is there then is tried once more.
    pub(super) async fn run(mut self, origin: Origin) {
        let app = origin.app().clone();
        loop {
            tokio::select! {
                () = origin.queue().wait(self.index) => {}
                () = app.stopping() => break,
            }
            if !self.bring(&origin).await {
                if tokio::time::timeout(self.pause, app.stopping()).await.is_ok() {
                    break;
                }
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
        }
        let _ = tokio::time::timeout(GOODBYE, self.say_goodbye(&origin)).await;
    }

    /// Brings what still comes, until the last WebSocket has ended.
    async fn say_goodbye(&mut self, origin: &Origin) {
        let mut is_last = false;
        while !is_last {
            is_last = !origin.has_sockets();
            origin.route();
            let all = tokio::time::timeout(FIRST_PAUSE, origin.queue().wait(self.index)).await.is_err();
            if !all && !self.bring(origin).await {
                return;
            }
            is_last &= all;
        }
    }

    /// Brings the next items; `false` if they are to be brought again after a pause.
    async fn bring(&mut self, origin: &Origin) -> bool {
        let batch = origin.queue().batch(self.index, self.most, BYTES);
        self.missed += batch.skipped;
        let count = batch.items.len();
        let label = || self.index.to_string();
        let went_well = match self.post(origin, &batch).await {
            Ok(()) => {
                metrics::counter!(feathers_core::metrics::GRIP_PUBLISHED, "proxy" => label()).increment(count as u64);
                if self.missed > 0 {
                    metrics::counter!(feathers_core::metrics::GRIP_MISSED, "proxy" => label()).increment(self.missed);
                    tracing::warn!(
                        proxy = self.index,
                        self.missed,
                        "a GRIP proxy has missed items, its clients ask again"
                    );
                }
                origin.queue().taken(self.index, &batch);
                (self.most, self.missed, self.pause) = (ITEMS, 0, FIRST_PAUSE);
                true
            }
            Err(Failure::Never(_)) if count > 1 => {
                self.most = count / 2;
                true
            }
            Err(Failure::Never(why)) => {
                metrics::counter!(feathers_core::metrics::GRIP_FAILED, "proxy" => label()).increment(1);
                tracing::error!(proxy = self.index, why, "a GRIP proxy refuses an item");
                origin.queue().taken(self.index, &batch);
                self.missed += 1;
                false
            }
            Err(Failure::Later(why)) => {
                metrics::counter!(feathers_core::metrics::GRIP_RETRIES, "proxy" => label()).increment(1);
                tracing::warn!(proxy = self.index, why, "a GRIP proxy cannot be reached");
                false
            }
        };
        self.tell_behind(&batch, went_well);
        went_well
    }

    async fn post(&self, origin: &Origin, batch: &Batch) -> Result<(), Failure> {
        let mut items: Vec<Bytes> = Vec::with_capacity(batch.items.len());
        if self.missed > 0 {
            // They have no ids by which a gap would be found.
            let closes = origin
                .channels()
                .into_iter()
                .map(|channel| Item::close(channel, close_code::RECONNECT, "come back").json());
            items.extend(closes.filter_map(Result::ok));
        }
        for item in &batch.items {
            match item.json() {
                Ok(json) => items.push(json),
                Err(error) => tracing::error!(?error, channel = &**item.channel(), "an event cannot be published"),
            }
        }
        let mut rest = items.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |item: &&Bytes| {
                bytes += item.len();
                bytes <= BYTES
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (now, later) = rest.split_at(count.min(rest.len()));
            self.endpoint.post(item::publication(now.iter())).await?;
            rest = later;
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    fn tell_behind(&self, batch: &Batch, taken: bool) {
        let behind = batch.behind + if taken { 0 } else { batch.items.len() as u64 };
        metrics::gauge!(feathers_core::metrics::GRIP_BEHIND, "proxy" => self.index.to_string()).set(behind as f64);
    }
}
