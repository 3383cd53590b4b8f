//! A server behind GRIP, what a proxy asks of it, and the control endpoint of a proxy that keeps what it gets.

pub(crate) mod socket;

use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::post;
use feathers_core::App;
use feathers_transports::{Grip, GripProxy, Realtime, Rest, Running, Server};
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The secret that proxy and app share.
pub(crate) const SECRET: &str = "a secret of the proxy and the app, long enough";
/// How long anything may take that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The control endpoint of a proxy.
#[derive(Clone, Default)]
pub(crate) struct Control(Arc<Kept>);

#[derive(Default)]
struct Kept {
    items: Mutex<Vec<Value>>,
    headers: Mutex<HeaderMap>,
    requests: AtomicUsize,
    /// What it answers instead of a 200.
    refuses: AtomicU16,
    /// What it answers with a 400.
    poison: Mutex<Option<&'static str>>,
    came: Notify,
}

impl Control {
    /// Listens on a free port and returns the URL.
    pub(crate) async fn start(&self) -> String {
        self.start_on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn start_on(&self, listener: TcpListener) -> String {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let control = self.clone();
        let publish = async move |headers: HeaderMap, body: String| control.publish(headers, &body);
        let router = Router::new().route("/publish/", post(publish));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn publish(&self, headers: HeaderMap, body: &str) -> StatusCode {
        let kept = &self.0;
        kept.requests.fetch_add(1, Ordering::SeqCst);
        let refuses = kept.refuses.load(Ordering::SeqCst);
        let poisoned = kept.poison.lock().unwrap().is_some_and(|poison| body.contains(poison));
        let refuses = if poisoned { 400 } else { refuses };
        let status = if refuses == 0 { StatusCode::OK } else { StatusCode::from_u16(refuses).unwrap() };
        if status.is_success() {
            let body: Value = serde_json::from_str(body).unwrap();
            *kept.headers.lock().unwrap() = headers;
            kept.items.lock().unwrap().extend(body["items"].as_array().unwrap().iter().cloned());
        }
        kept.came.notify_waiters();
        status
    }

    /// Answers with this status from now on; 0 is for a 200.
    pub(crate) fn refuse(&self, status: u16) {
        self.0.refuses.store(status, Ordering::SeqCst);
    }

    /// Refuses whatever has this text in it.
    pub(crate) fn refuse_text(&self, text: &'static str) {
        *self.0.poison.lock().unwrap() = Some(text);
    }

    pub(crate) fn headers(&self) -> HeaderMap {
        self.0.headers.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.0.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn items(&self) -> Vec<Value> {
        self.0.items.lock().unwrap().clone()
    }

    /// Waits until something holds of what has come.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let came = self.0.came.notified();
                if holds(self) {
                    return;
                }
                came.await;
            }
        };
        let done = tokio::time::timeout(PATIENCE, wait).await;
        done.unwrap_or_else(|_| panic!("{what}, not among {} items", self.items().len()));
    }

    /// Waits for so many items on channels of this name, and returns them.
    pub(crate) async fn on(&self, channel: &str, count: usize) -> Vec<Value> {
        let there =
            |control: &Self| control.items().into_iter().filter(|item| item["channel"] == channel).collect::<Vec<_>>();
        self.until(&format!("{count} on {channel}"), |control| there(control).len() >= count).await;
        there(self)
    }
}

/// Settings with one proxy at this URL.
pub(crate) fn grip(url: &str) -> Grip {
    Grip::new().proxy(GripProxy::new(url).verify_key(SECRET))
}

/// Serves an app behind a proxy on a free port.
pub(crate) async fn serve(app: App, grip: Grip) -> Running {
    serve_with(app, grip, Realtime::new()).await
}

pub(crate) async fn serve_with(app: App, grip: Grip, realtime: Realtime) -> Running {
    let server = Server::new(app).without_defaults().transport(Rest::new()).transport(realtime);
    server.grip(grip).bind("127.0.0.1:0").start().await.unwrap()
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Signs as a proxy does.
pub(crate) fn sign(claims: &Value, algorithm: Algorithm, key: &EncodingKey) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, key).unwrap()
}

/// A valid signature.
pub(crate) fn signature() -> String {
    let claims = json!({ "iss": "pushpin", "exp": now() + 3600 });
    sign(&claims, Algorithm::HS256, &EncodingKey::from_secret(SECRET.as_bytes()))
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Returns the channels of the hold: name, parameters.
    pub(crate) fn channels(&self) -> Vec<(String, String)> {
        let list = self.header("grip-channel").unwrap_or_else(|| panic!("no hold: {self:?} {}", self.text()));
        let split = |one: &str| match one.trim().split_once(';') {
            Some((name, rest)) => (name.to_owned(), rest.trim().to_owned()),
            None => (one.trim().to_owned(), String::new()),
        };
        list.split(',').map(split).collect()
    }

    /// Returns the channel of the audience and the id of its last item.
    pub(crate) fn seat(&self) -> (String, String) {
        let (channel, parameters) = self.channels().swap_remove(0);
        let id = parameters.split(';').find_map(|one| one.trim().strip_prefix("prev-id=")).unwrap();
        (channel, id.to_owned())
    }

    /// Returns the channel of the connection itself.
    pub(crate) fn own(&self) -> String {
        self.channels().swap_remove(1).0
    }

    /// Returns the path of the next link, and after how many seconds it is asked for.
    pub(crate) fn link(&self) -> (String, u64) {
        let link = self.header("grip-link").unwrap();
        let (path, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        let seconds = rest.strip_prefix("; rel=next; timeout=").unwrap();
        (path.to_owned(), seconds.parse().unwrap())
    }

    /// Returns the ids of the events of a stream.
    pub(crate) fn ids(&self) -> Vec<String> {
        let blocks = self.text().split("\n\n").filter(|block| !block.starts_with("event:"));
        blocks.filter_map(|block| block.strip_prefix("id: ")?.split('\n').next()).map(ToOwned::to_owned).collect()
    }
}

/// Asks as any client does.
pub(crate) async fn ask(server: &Running, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method.parse().unwrap(), format!("{}{path}", server.url())).body(body.to_vec());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = tokio::time::timeout(PATIENCE, request.send()).await.unwrap().unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    // A stream that no proxy holds is cut off.
    while let Ok(Some(chunk)) = tokio::time::timeout(PATIENCE, response.chunk()).await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    Answer { status, headers, body }
}

/// Asks as the proxy does.
pub(crate) async fn get(server: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    let signature = signature();
    let mut all = vec![("grip-sig", signature.as_str()), ("grip-feature", FEATURES)];
    all.extend(headers);
    ask(server, "GET", path, &all, b"").await
}

/// What Pushpin says that it can.
pub(crate) const FEATURES: &str = "status, session, link:next, filter:skip-self, filter:skip-users, \
    filter:require-sub, filter:build-id, filter:var-subst";

/// Opens a stream through the proxy.
pub(crate) async fn stream(server: &Running, query: &str) -> Answer {
    let answer = get(server, &format!("/realtime{query}"), &[("accept", "text/event-stream")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}
