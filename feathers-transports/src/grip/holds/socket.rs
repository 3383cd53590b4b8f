//! `WebSockets` at a proxy: requests of the type `application/websocket-events`.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use feathers_core::{Error, Headers, Result};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::sync::{mpsc, oneshot};

use super::ws_over_http::{Answer, WsOverHttp, WsRequest, control_text};
use crate::grip::events::{self, Close, Event, Limits};
use crate::grip::{Control, Proxied, STATE_LIFETIME, State};
use crate::kit::address::client_address;
use crate::kit::answer::too_late;
use crate::kit::budget::Meter;
use crate::kit::close_code;
use crate::kit::incoming;
use crate::realtime::socket::Driver;
use crate::realtime::{Shared, asked, upgrade};

const EVENTS: HeaderValue = HeaderValue::from_static("application/websocket-events");
const EXTENSIONS: HeaderName = HeaderName::from_static("sec-websocket-extensions");
const SET_STATE: HeaderName = HeaderName::from_static("set-meta-feathers");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive-interval");

/// How often the proxy asks when nothing happens, in seconds: the least that there is.
const INTERVAL: u64 = 20;
/// How many events one request may have.
const MOST_EVENTS: usize = 512;
/// How many bytes one may have besides its largest message.
const AROUND: usize = 256 << 10;

/// Tells whether a request is one of a WebSocket at a proxy.
pub(super) fn is_events(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/websocket-events"))
    })
}

/// Answers a request. What cannot be read closes the connection.
pub(super) async fn answer(shared: &Shared, proxied: &Proxied, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let state = proxied.state().and_then(|token| proxied.origin().tokens().verify::<State>(token));
    let session = state.as_ref().and_then(|state| proxied.origin().holds().socket(&state.ws));
    // A server that has restarted has no sessions.
    if state.is_some() && session.is_none() {
        return Ok(closing(Close::new(close_code::RECONNECT, "come back")));
    }
    let read = read(shared, &parts, body, session.as_ref()).await?;
    match (state, read) {
        (None, Ok(events)) if events.first() == Some(&Event::Open) => open(shared, proxied, parts, events).await,
        // A server that has restarted has no sessions.
        (None, Ok(_)) => Ok(closing(Close::new(close_code::RECONNECT, "come back"))),
        (None, Err(close)) => Ok(closing(close)),
        (Some(state), Ok(events)) if !events.contains(&Event::Open) => go_on(proxied, &state, events).await,
        (Some(state), Ok(_)) => {
            proxied.origin().holds().close_socket(&state.ws);
            Ok(closing(Close::new(close_code::PROTOCOL, "the connection is open already")))
        }
        (Some(state), Err(close)) => {
            proxied.origin().holds().close_socket(&state.ws);
            Ok(closing(close))
        }
    }
}

/// Reads the events of a request, within the time for bodies and as long as the session is there, if there is one.
async fn read(
    shared: &Shared,
    parts: &Parts,
    mut body: Body,
    session: Option<&mpsc::Sender<WsRequest>>,
) -> Result<Result<Vec<Event>, Close>> {
    let message = shared.options.socket.max_message;
    let meter = Meter::of(&shared.budget, &parts.extensions);
    let limit = shared.budget.body_time();
    let over = async {
        match session {
            Some(session) => session.closed().await,
            None => std::future::pending().await,
        }
    };
    let read = tokio::time::timeout(limit, incoming::read(&mut body, message.saturating_add(AROUND), &meter));
    let read = tokio::select! {
        read = read => read.unwrap_or_else(|_| Err(too_late(limit))),
        () = over => return Ok(Err(Close::new(close_code::RECONNECT, "come back"))),
    };
    Ok(match read {
        Ok(body) => events::decode(&body.bytes, Limits { events: MOST_EVENTS, message })
            .map_err(|error| Close::new(error.code, error.reason)),
        Err(error) if error.code() == 413 => Err(Close::new(close_code::SIZE, "the message is too big")),
        Err(error) => return Err(error),
    })
}

/// Begins a WebSocket.
async fn open(shared: &Shared, proxied: &Proxied, parts: Parts, events: Vec<Event>) -> Result<Response> {
    if shared.app.is_stopping() {
        return Err(Error::unavailable("the server is shutting down"));
    }
    let query = asked::query(&parts.uri)?;
    let protocol = upgrade::protocol(&offered(&parts.headers))?;
    let address = client_address(&parts.extensions);
    let place = shared.place(address, &parts.headers);
    let kept = Meter::of_session(&shared.budget, address).account().take(0)?;
    let Some(place) = place else { return Err(Error::unavailable("no more WebSockets now, try again later")) };
    let handshake = upgrade::handshake(&parts.extensions, Headers::from(parts.headers), query);
    let id = format!("{:032x}", rand::random::<u128>());
    let origin = proxied.origin().clone();
    let own = origin.socket_channel(&id);
    let (sender, inbox) = mpsc::channel(1);
    proxied.origin().holds().register(&id, sender.clone());
    let driver = Driver::new(
        shared.app.clone(),
        Box::new(handshake),
        kept,
        WsOverHttp::new(origin, own.clone(), inbox),
        shared.options.socket.clone(),
    );
    let (holds, task_id) = (proxied.origin().holds().clone(), id.clone());
    shared.app.spawn(driver.run().map(move |()| {
        holds.close_socket(&task_id);
        drop(place);
    }));
    let mut all = vec![Event::Open, control_text(&Control::Subscribe(own).json())];
    let answer = exchange(&sender, 0, events).await;
    all.extend(answer.events);
    let mut response = respond(&all);
    let headers = response.headers_mut();
    headers.insert(EXTENSIONS, HeaderValue::from_static("grip"));
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    keep(&mut response, proxied, State { ws: id, n: answer.number })?;
    Ok(response)
}

/// Goes on with a WebSocket.
async fn go_on(proxied: &Proxied, state: &State, events: Vec<Event>) -> Result<Response> {
    let Some(sender) = proxied.origin().holds().socket(&state.ws) else {
        return Ok(closing(Close::new(close_code::RECONNECT, "come back")));
    };
    let answer = exchange(&sender, state.n, events).await;
    let mut response = respond(&answer.events);
    keep(&mut response, proxied, State { ws: state.ws.clone(), n: answer.number })?;
    Ok(response)
}

/// Has the task of a WebSocket answer; one that has ended says nothing.
async fn exchange(sender: &mpsc::Sender<WsRequest>, number: u64, events: Vec<Event>) -> Answer {
    let (answer, answered) = oneshot::channel();
    let gone = events.contains(&Event::Disconnect);
    let sent = sender.send(WsRequest { number, events, answer }).await;
    match answered.await {
        Ok(answer) if sent.is_ok() => answer,
        _ if gone => Answer { number, events: Vec::new() },
        _ => Answer { number, events: vec![Event::Close(Some(Close::new(close_code::RECONNECT, "come back")))] },
    }
}

fn closing(close: Close) -> Response {
    respond(&[Event::Close(Some(close))])
}

fn respond(all: &[Event]) -> Response {
    let mut response = Response::new(Body::from(events::encode(all)));
    response.headers_mut().insert(header::CONTENT_TYPE, EVENTS);
    response
}

/// Has the proxy bring the state back, and ask when nothing happens.
fn keep(response: &mut Response, proxied: &Proxied, state: State) -> Result<()> {
    let token = proxied.origin().tokens().sign(state, STATE_LIFETIME)?;
    let headers = response.headers_mut();
    headers.insert(SET_STATE, HeaderValue::try_from(token)?);
    headers.insert(KEEP_ALIVE, HeaderValue::from(INTERVAL));
    Ok(())
}

fn offered(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
