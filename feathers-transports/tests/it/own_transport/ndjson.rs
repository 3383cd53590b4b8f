//! Newline-delimited JSON over HTTP: `GET /ndjson` streams events, one a line, and `POST /ndjson` takes calls, one a
//! line, and answers each with a line.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use feathers_core::query::qs;
use feathers_core::{
    AppHandle, Call, DeliveredEvent, Delivery, Encoding, Error, Handshake, Id, Method, Params, Payload, Provider,
    Result, Session, Since, Subscription, WireFormat,
};
use feathers_transports::Transport;
use feathers_transports::kit::{error_response, newest_since, read_body};
use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, Uri};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// How hooks see the transport: `params.provider`.
const NDJSON: Provider = Provider::new("ndjson");

/// How many bytes a request with calls may have.
const MAX_BODY: usize = 1 << 20;

/// The transport.
#[derive(Debug)]
pub(crate) struct Ndjson;

impl Transport for Ndjson {
    fn name(&self) -> &'static str {
        "ndjson"
    }

    fn router(self: Box<Self>, app: &AppHandle) -> Router {
        Router::new().route("/ndjson", get(listen).post(calls)).with_state(app.clone())
    }
}

/// Streams the events of a new session, from `since` on.
async fn listen(State(app): State<AppHandle>, headers: HeaderMap, uri: Uri) -> Response {
    match Listener::open(app, headers, &uri).await {
        Ok(listener) => {
            let lines = stream::once(std::future::ready(Ok(listener.first())));
            let lines = lines.chain(stream::unfold(listener, Listener::next));
            ([("content-type", "application/x-ndjson")], Body::from_stream(lines)).into_response()
        }
        Err(error) => error_response(&error),
    }
}

/// One client that listens. It is dropped when the client disconnects, and the session ends.
struct Listener {
    app: AppHandle,
    session: Session,
    events: Subscription,
}

impl Listener {
    async fn open(app: AppHandle, headers: HeaderMap, uri: &Uri) -> Result<Self> {
        let query = qs::parse(uri.query().unwrap_or_default())?;
        let words = query.get("since").and_then(Value::as_str).map(|since| ("since", since));
        let since = newest_since(app.log().epoch(), words, None)?.unwrap_or(Since::Now);
        // Connect listeners run here, and join channels.
        let session = app.open(Handshake::new(NDJSON).headers(headers).query(query).since(since)).await?;
        let events = session.subscribe().heartbeat_interval(Duration::from_secs(15));
        Ok(Self { app, session, events })
    }

    /// Tells the client its secret, which makes its calls calls of this connection.
    fn first(&self) -> Bytes {
        let (conn, cursor) = (&**self.session.secret(), self.events.cursor());
        line(&json!({ "connectionToken": conn, "cursor": cursor, "recovered": self.events.is_resumed() }))
    }

    /// Takes the next line out of the log. Asked for only when the client has room for it.
    async fn next(mut self) -> Option<(Result<Bytes>, Self)> {
        let delivery = tokio::select! {
            delivery = self.events.next() => delivery?,
            // A long answer ends when the server stops.
            () = self.app.stopping() => return None,
        };
        let line = match delivery {
            Delivery::Event(event) => event_line(&event),
            Delivery::Reset(reset) => Ok(line(&json!({ "reset": reset }))),
            Delivery::Heartbeat(cursor) => Ok(line(&json!({ "cursor": cursor }))),
            _ => Ok(Bytes::new()),
        };
        Some((line, self))
    }
}

/// Encodes an event, once for all clients.
fn event_line(event: &DeliveredEvent) -> Result<Bytes> {
    static LINE: WireFormat = WireFormat::new();
    event.frame(&LINE, |event| {
        let (path, name, cursor) = (&**event.path(), &**event.name(), event.cursor());
        Ok(line(&json!({ "path": path, "event": name, "data": event.payload().value()?, "cursor": cursor })))
    })
}

/// Takes calls, and answers them in their order.
async fn calls(State(app): State<AppHandle>, headers: HeaderMap, mut request: Request) -> Response {
    let body = match read_body(&app, &mut request, MAX_BODY).await {
        Ok(body) => body,
        Err(error) => return error_response(&error),
    };
    let mut answers = Vec::new();
    for text in body.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        let (id, result) = match serde_json::from_slice::<Line>(text) {
            Ok(line) => (line.call.clone(), call(&app, &headers, line).await),
            Err(error) => (Value::Null, Err(Error::bad_request(error.to_string()))),
        };
        answers.extend_from_slice(&match result {
            Ok(result) => line(&json!({ "call": id, "result": result })),
            Err(error) => line(&json!({ "call": id, "error": error })),
        });
    }
    ([("content-type", "application/x-ndjson")], answers).into_response()
}

/// One call as a client writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Identifies the answer.
    #[serde(default)]
    call: Value,
    path: String,
    method: String,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    query: Map<String, Value>,
}

async fn call(app: &AppHandle, headers: &HeaderMap, line: Line) -> Result<Payload> {
    let route =
        app.lookup(&line.path, Encoding::Plain)?.ok_or_else(|| Error::not_found(format!("no '{}'", line.path)))?;
    let mut params = Params::new();
    params.query = line.query;
    // Calls with a provider come from clients: only methods for clients can be called.
    params.provider = Some(NDJSON);
    params.headers = headers.clone().into();
    if let Some(secret) = params.headers.value("x-connection-token") {
        params.connection = app.connection(secret, &params.headers).await?;
    }
    let call = Call {
        route,
        method: Method::named(&line.method),
        id: line.id.map_or(Ok(None), |id| Id::from_json(&id))?,
        data: line.data.map(Payload::from_raw).transpose()?.unwrap_or_default(),
        params,
    };
    Ok(app.call(call).await?.ack().clone())
}

fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}
