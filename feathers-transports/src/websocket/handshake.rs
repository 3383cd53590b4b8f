//! The upgrade from HTTP/1.1 to WebSocket (RFC 6455, section 4).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use feathers_core::{Error, Result};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest, Sha1};

use crate::kit::answer::error_response;

/// The version of the protocol.
const VERSION: &str = "13";

/// The text that makes the answer to a key, fixed by the RFC.
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why a request is not the beginning of a WebSocket.
#[derive(Debug)]
pub(crate) struct Unfit {
    error: Error,
    /// Whether it is for another version of the protocol.
    is_of_other_version: bool,
}

impl Unfit {
    #[cfg(feature = "socketio")]
    pub(crate) fn is_of_other_version(&self) -> bool {
        self.is_of_other_version
    }

    /// Tells the version that is spoken, as a client of another one needs it (RFC 6455, section 4.4).
    pub(crate) fn tell_version(response: &mut Response) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
    }
}

impl From<Error> for Unfit {
    fn from(error: Error) -> Self {
        Self { error, is_of_other_version: false }
    }
}

impl IntoResponse for Unfit {
    fn into_response(self) -> Response {
        let mut response = error_response(&self.error);
        if self.is_of_other_version {
            Self::tell_version(&mut response);
        }
        response
    }
}

/// An upgrade that the client has asked for in the right way.
#[derive(Debug)]
pub(crate) struct Upgrade {
    upgraded: OnUpgrade,
    accept: HeaderValue,
    protocols: Vec<String>,
}

impl Upgrade {
    /// Tells whether a request asks for a WebSocket.
    pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
        has_token(headers, &header::UPGRADE, "websocket")
    }

    /// Checks the request; what is wrong is a 400 that says what.
    pub(crate) fn new(parts: &mut Parts) -> Result<Self, Unfit> {
        let headers = &parts.headers;
        if parts.method != Method::GET || !has_token(headers, &header::CONNECTION, "upgrade") {
            return Err(Error::bad_request("a WebSocket begins with GET and Connection: upgrade").into());
        }
        if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
            let error = Error::bad_request("only version 13 of the WebSocket protocol is spoken");
            return Err(Unfit { error, is_of_other_version: true });
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
        if STANDARD.decode(key).map_or(0, |key| key.len()) != 16 {
            return Err(Error::bad_request("Sec-WebSocket-Key must be 16 bytes in base64").into());
        }
        let digest = Sha1::new().chain_update(key).chain_update(MAGIC).finalize();
        let accept = HeaderValue::from_str(&STANDARD.encode(digest)).map_err(Error::from)?;
        let protocols = headers
            .get_all(header::SEC_WEBSOCKET_PROTOCOL)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|value| value.trim().to_owned())
            .collect();
        let upgraded = parts
            .extensions
            .remove::<OnUpgrade>()
            .ok_or_else(|| Error::bad_request("this connection cannot be upgraded"))?;
        Ok(Self { upgraded, accept, protocols })
    }

    /// Returns the subprotocols that the client offers.
    pub(crate) fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Returns the answer, and the upgrade to wait for.
    pub(crate) fn accept(self, protocol: Option<&'static str>) -> (Response, OnUpgrade) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        if let Some(protocol) = protocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
        }
        (response, self.upgraded)
    }
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}
