//! One event to one client on each transport: its frame is made, and has left the server.
//!
//! What all have in common, the publishing, is `log/append`.

use std::hint::black_box;
use std::rc::Rc;

use axum::Router;
use axum::body::Body;
use feathers::transports::{Realtime, SocketIo, Transport};
use feathers::{AppHandle, Error, Result};
use http::{Request, Response, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::app::{room, tick};
use crate::pipe::Pipe;
use crate::{Bench, Work, unexpected, waiting};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("event/socketio", 100, |runtime| {
        let (app, router) = serve(runtime, SocketIo::new())?;
        socket(runtime, app, router, "/socket.io/?EIO=4&transport=websocket", "40", b"40{", b"42[")
    }),
    Bench::new("event/websocket", 100, |runtime| {
        let (app, router) = serve(runtime, Realtime::new())?;
        let hello = r#"{"jsonrpc":"2.0","id":1,"method":"$hello","params":{}}"#;
        socket(runtime, app, router, "/realtime", hello, br#"{"jsonrpc":"2.0","id":1"#, br#"{"jsonrpc":"2.0","method""#)
    }),
    Bench::new("event/sse", 100, sse),
    Bench::new("event/poll", 100, poll),
];

/// Returns an app behind one transport.
fn serve(runtime: &Rc<Runtime>, transport: impl Transport) -> Result<(AppHandle, Router)> {
    let app = runtime.block_on(room().start())?;
    let router = Box::new(transport).router(&app);
    Ok((app, router))
}

/// On a `WebSocket`: after what begins like `ready`, all messages are events.
fn socket(
    runtime: &Rc<Runtime>,
    app: AppHandle,
    router: Router,
    target: &str,
    hello: &str,
    ready: &'static [u8],
    event: &'static [u8],
) -> Result<Work> {
    let mut buffer = Vec::new();
    let mut pipe = runtime.block_on(async {
        let mut pipe = Pipe::upgrade(router, target).await?;
        pipe.send(hello).await?;
        while !pipe.receive(&mut buffer).await?.starts_with(ready) {}
        Ok::<_, Error>(pipe)
    })?;
    Ok(waiting(runtime, async move || {
        tick(&app)?;
        let received = pipe.receive(&mut buffer).await?;
        if received.starts_with(event) { Ok(()) } else { Err(unexpected(String::from_utf8_lossy(received))) }
    }))
}

fn sse(runtime: &Rc<Runtime>) -> Result<Work> {
    let (app, router) = serve(runtime, Realtime::new())?;
    let stream = runtime.block_on(get(router, "/realtime", "text/event-stream"))?;
    let mut body = stream.into_body();
    // The greeting.
    runtime.block_on(body.frame());
    Ok(waiting(runtime, async move || {
        tick(&app)?;
        let frame = body.frame().await.and_then(Result::ok).ok_or_else(|| unexpected("the end of the stream"))?;
        match frame.data_ref() {
            Some(data) if data.starts_with(b"id: ") => Ok(()),
            other => Err(unexpected(other)),
        }
    }))
}

/// A short poll after each event: a whole request and answer.
fn poll(runtime: &Rc<Runtime>) -> Result<Work> {
    let (app, router) = serve(runtime, Realtime::new())?;
    let mut since = app.log().head();
    let first = runtime.block_on(async {
        let response = get(router.clone(), &format!("/realtime?since={since}&wait=0"), "application/json").await?;
        let body = response.into_body().collect().await.map_err(unexpected)?;
        Ok::<Value, Error>(serde_json::from_slice(&body.to_bytes())?)
    })?;
    let conn = first.get("connectionToken").and_then(Value::as_str).ok_or_else(|| unexpected(&first))?.to_owned();
    Ok(waiting(runtime, async move || {
        tick(&app)?;
        let request = Request::get(format!("/realtime?since={since}&wait=0")).header("x-connection-token", &conn);
        let Ok(response) = router.clone().oneshot(request.body(Body::empty())?).await;
        let body = response.into_body().collect().await.map_err(unexpected)?.to_bytes();
        since = app.log().head();
        if body.starts_with(br#"{"events":[{"#) { Ok(()) } else { Err(unexpected(black_box(body))) }
    }))
}

async fn get(router: Router, target: &str, accept: &'static str) -> Result<Response<Body>> {
    let request = Request::get(target).header(header::ACCEPT, accept).body(Body::empty())?;
    let Ok(response) = router.oneshot(request).await;
    Ok(response)
}
