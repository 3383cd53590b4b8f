//! Publishers: one task for each proxy, which brings the items to its control endpoint in their order.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use feathers_core::{Error, Handle, Result};
use http::{StatusCode, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::config::GripProxy;
use super::item::{self, Item};
use super::key::Key;
use super::origin::Origin;
use super::queue::Batch;

/// How many items go into one request, and how many bytes: proxies take a megabyte.
const ITEMS: usize = 500;
const BYTES: usize = 800_000;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between tries double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the last items may take when the app stops.
const GOODBYE: Duration = Duration::from_secs(2);

/// Publishes to one proxy.
pub(super) struct Publisher {
    index: usize,
    url: String,
    client: reqwest::Client,
    access: Access,
}

/// What the control endpoint is shown.
enum Access {
    Open,
    Plain(String),
    Token { iss: String, algorithm: Algorithm, key: EncodingKey },
}

/// Why a request has failed.
enum Failure {
    /// It may go well later.
    Later(String),
    /// It never will.
    Never(String),
}

impl Publisher {
    /// Makes the publishers of all proxies; a setting that cannot be is an error with its name.
    pub(super) fn all(proxies: &[GripProxy]) -> Result<Vec<Self>> {
        let no_redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(no_redirects).timeout(TIMEOUT);
        let client =
            client.build().map_err(|error| Error::general("grip: no HTTP client can be made").with_source(error))?;
        let publisher = |(index, proxy): (usize, &GripProxy)| {
            let url = proxy.publish_url(&format!("grip: `proxies[{index}].control_uri`"))?;
            Ok(Self { index, url, client: client.clone(), access: Access::new(proxy, index)? })
        };
        proxies.iter().enumerate().map(publisher).collect()
    }

    /// Publishes until the app stops; what is there then is tried once more.
    pub(super) async fn run(self, origin: Origin) {
        let app = origin.app().clone();
        loop {
            tokio::select! {
                () = origin.queue().wait(self.index) => {}
                () = app.stopping() => break,
            }
            let batch = origin.queue().batch(self.index, ITEMS, BYTES);
            if !self.bring(&origin, &app, &batch).await {
                break;
            }
        }
        let _ = tokio::time::timeout(GOODBYE, self.say_goodbye(&origin)).await;
    }

    /// Brings what still comes, until the last WebSocket has ended.
    async fn say_goodbye(&self, origin: &Origin) {
        while origin.has_sockets() {
            let _ = tokio::time::timeout(FIRST_PAUSE, origin.queue().wait(self.index)).await;
            self.flush(origin).await;
        }
        self.flush(origin).await;
    }

    /// Brings a batch, however long that takes; `false` if the app stops meanwhile.
    async fn bring(&self, origin: &Origin, app: &Handle, batch: &Batch) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.post(origin, batch).await {
                Ok(()) => {
                    self.count(&batch.items, "feathers_grip_published_total");
                    break;
                }
                Err(Failure::Never(why)) => {
                    self.count(&batch.items, "feathers_grip_failed_total");
                    tracing::error!(proxy = self.index, why, "a GRIP proxy has refused what was published");
                    break;
                }
                Err(Failure::Later(why)) => {
                    metrics::counter!("feathers_grip_retries_total", "proxy" => self.index.to_string()).increment(1);
                    tracing::warn!(proxy = self.index, why, "a GRIP proxy cannot be reached");
                }
            }
            self.tell_behind(batch.items.len() as u64 + batch.behind);
            if tokio::time::timeout(pause, app.stopping()).await.is_ok() {
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            // What has fallen out meanwhile is not brought any more.
            if origin.queue().batch(self.index, 1, BYTES).skipped > batch.skipped {
                return true;
            }
        }
        origin.queue().taken(self.index, batch);
        self.tell_behind(batch.behind);
        true
    }

    async fn flush(&self, origin: &Origin) {
        origin.route();
        loop {
            let batch = origin.queue().batch(self.index, ITEMS, BYTES);
            if batch.items.is_empty() || self.post(origin, &batch).await.is_err() {
                return;
            }
            self.count(&batch.items, "feathers_grip_published_total");
            origin.queue().taken(self.index, &batch);
        }
    }

    async fn post(&self, origin: &Origin, batch: &Batch) -> std::result::Result<(), Failure> {
        let mut items: Vec<Bytes> = Vec::with_capacity(batch.items.len());
        if batch.skipped > 0 {
            self.skipped(origin, batch.skipped, &mut items);
        }
        for item in &batch.items {
            match item.json() {
                Ok(json) => items.push(json),
                Err(error) => tracing::error!(?error, channel = &**item.channel(), "an event cannot be published"),
            }
        }
        let body = item::publication(items.iter());
        let request = self.client.post(&self.url).header(header::CONTENT_TYPE, "application/json").body(body);
        let request = match self.access.token().map_err(|error| Failure::Never(error.to_string()))? {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        // The error would name the URL.
        let response = request.send().await.map_err(|error| Failure::Later(error.without_url().to_string()))?;
        let status = response.status();
        // Read to its end, so that the connection is used again.
        let _ = response.bytes().await;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(Failure::Later(status.to_string())),
            status if status.is_client_error() => Err(Failure::Never(status.to_string())),
            status => Err(Failure::Later(status.to_string())),
        }
    }

    /// Has all `WebSockets` come back: they have no ids by which a gap would be found.
    fn skipped(&self, origin: &Origin, skipped: u64, items: &mut Vec<Bytes>) {
        metrics::counter!("feathers_grip_skipped_total", "proxy" => self.index.to_string()).increment(skipped);
        tracing::warn!(proxy = self.index, skipped, "a GRIP proxy has missed items, its clients ask again");
        let closes = origin.channels().into_iter().map(|channel| Item::close(channel, 4201, "come back").json());
        items.extend(closes.filter_map(Result::ok));
    }

    fn count(&self, items: &[Arc<Item>], name: &'static str) {
        metrics::counter!(name, "proxy" => self.index.to_string()).increment(items.len() as u64);
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    fn tell_behind(&self, behind: u64) {
        metrics::gauge!("feathers_grip_behind", "proxy" => self.index.to_string()).set(behind as f64);
    }
}

impl Access {
    fn new(proxy: &GripProxy, index: usize) -> Result<Self> {
        let place = format!("grip: `proxies[{index}].key`");
        let key = proxy.key.as_ref().map(|text| Key::read(text, &place)).transpose()?;
        Ok(match (key, &proxy.control_iss) {
            (None, None) => Self::Open,
            (None, Some(_)) => return Err(Error::general(format!("{place} is missing, and `control_iss` needs it"))),
            (Some(key), None) => Self::Plain(key.plain()),
            (Some(key), Some(iss)) => {
                let (algorithm, key) = key.signing(&place)?;
                Self::Token { iss: iss.clone(), algorithm, key }
            }
        })
    }

    fn token(&self) -> Result<Option<String>> {
        Ok(match self {
            Self::Open => None,
            Self::Plain(key) => Some(key.clone()),
            Self::Token { iss, algorithm, key } => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
                let claims = json!({ "iss": iss, "exp": now + 600 });
                let header = Header::new(*algorithm);
                Some(jsonwebtoken::encode(&header, &claims, key).map_err(Error::internal)?)
            }
        })
    }
}
