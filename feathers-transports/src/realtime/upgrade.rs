//! The beginning of a raw WebSocket: a request that asks for one.

use std::future::ready;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use feathers_core::{Error, Handshake, Headers, Provider, Result};
use futures_util::FutureExt;
use futures_util::future::Either;
use http::Extensions;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};

use super::socket::Driver;
use super::{Shared, asked};
use crate::kit::address::client_address;
use crate::kit::budget::{Meter, cost_of_head};
use crate::websocket::{Unfit, Upgrade, WebSocket};

/// The subprotocol.
const PROTOCOL: &str = "feathers.v1";

/// Answers a request that asks for a WebSocket.
pub(super) fn answer(shared: &Shared, request: Request, query: Map<String, Value>) -> Response {
    try_upgrade(shared, request, query).unwrap_or_else(IntoResponse::into_response)
}

/// Chooses the subprotocol among those that a client offers; none is fine too.
pub(crate) fn protocol(offered: &[String]) -> Result<Option<&'static str>> {
    match (offered.is_empty(), offered.iter().any(|offer| offer == PROTOCOL)) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(PROTOCOL)),
        (false, false) => Err(Error::bad_request(format!("the subprotocol is {PROTOCOL}"))),
    }
}

/// Makes the handshake of a client that connects.
pub(crate) fn handshake(extensions: &Extensions, headers: Headers, mut query: Map<String, Value>) -> Handshake {
    let (credentials, address) = (asked::credentials(&mut query), client_address(extensions));
    let handshake = Handshake::new(Provider::WEBSOCKET).headers(headers).query(query);
    handshake.credentials(credentials).address(address)
}

fn try_upgrade(shared: &Shared, request: Request, query: Map<String, Value>) -> Result<Response, Unfit> {
    let Shared { app, budget, options, .. } = shared;
    if app.is_stopping() {
        return Err(Error::unavailable("the server is shutting down").into());
    }
    let (mut parts, _body) = request.into_parts();
    let upgrade = Upgrade::new(&mut parts)?;
    let protocol = protocol(upgrade.protocols())?;
    let kept = Meter::of(budget, &parts.extensions).account().take(cost_of_head(&parts.headers))?;
    let handshake = Box::new(handshake(&parts.extensions, Headers::from(parts.headers), query));
    let (response, on_upgrade) = upgrade.accept(protocol);
    let (task_app, settings) = (app.clone(), options.socket.clone());
    // Not an async block, which would keep room for what it began with.
    app.spawn(on_upgrade.then(move |upgraded| match upgraded {
        Ok(upgraded) => {
            let socket = WebSocket::new(TokioIo::new(upgraded), settings.max_message, kept.account());
            Either::Left(Driver::new(task_app, handshake, kept, socket, settings).run())
        }
        Err(_) => Either::Right(ready(())),
    }));
    Ok(response)
}
