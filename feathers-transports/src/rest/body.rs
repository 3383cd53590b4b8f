//! From the body of a request to the data of a call.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use feathers_core::query::qs;
use feathers_core::{Error, Payload, Result};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use hyper::body::Body as _;
use serde_json::Value;

use super::asked::RequestFlags;
use super::inflate::Coding;
use crate::kit::answer::{error_response, too_large};
use crate::kit::budget::{Meter, Permit, SMALL, cost_of_call};
use crate::kit::incoming::{self, Incoming, next};

/// Up to this many bytes of a body that is too large are thrown away, so that the client, which is still sending,
/// gets to read the answer.
const DISCARD: usize = 16 << 20;

/// Says which types of bodies are read.
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const TYPES: &str = "application/json, application/x-www-form-urlencoded, text/plain";

/// How the body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    kind: Kind,
    coding: Coding,
    /// Whether the client waits for a `100 Continue` before it sends the body.
    waits: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Text,
    /// None, or one that is not read.
    Other,
}

impl Format {
    pub(super) fn of(headers: &HeaderMap, asked: RequestFlags) -> Self {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = value.split_once(';').map_or(value, |(essence, _)| essence).trim();
        let starts = |prefix: &str| essence.get(..prefix.len()).is_some_and(|part| part.eq_ignore_ascii_case(prefix));
        let ends = |suffix: &str| {
            let start = essence.len().checked_sub(suffix.len());
            start.and_then(|start| essence.get(start..)).is_some_and(|part| part.eq_ignore_ascii_case(suffix))
        };
        let kind = if essence.eq_ignore_ascii_case("application/json") || starts("application/") && ends("+json") {
            Kind::Json
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Kind::Form
        } else if starts("text/") && !essence.eq_ignore_ascii_case("text/xml") {
            Kind::Text
        } else {
            Kind::Other
        };
        let coding = if asked.has_coding { Coding::of(headers) } else { Coding::Identity };
        Self { kind, coding, waits: asked.waits }
    }
}

/// Reads the data of a call.
///
/// Too much is a 413, and a type or coding that is not known a 415. What is not what its content type says is a 400
/// that names the place.
/// Where it is not small, there is leave to hold it too, as long as the call runs.
pub(super) async fn data(format: Format, body: Body, limit: usize, meter: &Meter) -> Result<(Payload, Option<Permit>)> {
    let Some(body) = open(format, body, limit).await? else { return Ok((Payload::NULL, None)) };
    let Incoming { bytes, mut permit } = read(body, limit, format.waits, meter).await?;
    let cost = cost_of_call(&bytes);
    match &mut permit {
        Some(permit) => permit.grow(cost)?,
        None if cost > SMALL => permit = Some(meter.account().take(cost)?),
        None => {}
    }
    let data = match format.kind {
        Kind::Json => json(without_mark(bytes))?,
        Kind::Form => Payload::from_form(qs::parse_form(text(&without_mark(bytes))?)?),
        Kind::Text => Value::from(text(&bytes)?).into(),
        Kind::Other => Payload::NULL,
    };
    Ok((data, permit))
}

/// Returns the body as it was before it was compressed; `None` if there is none.
async fn open(format: Format, mut body: Body, limit: usize) -> Result<Option<Body>> {
    if format.kind == Kind::Other || format.coding == Coding::Other {
        let is_empty = body.is_end_stream() || !format.waits && next(&mut body).await?.is_none();
        if is_empty {
            return Ok(None);
        }
        if !format.waits {
            discard(body).await;
        }
        let known = if format.kind == Kind::Other { TYPES } else { Coding::KNOWN };
        return Err(Error::bad_request(format!("the body must be {known}")).with_code(415));
    }
    if format.coding != Coding::Identity && body.size_hint().lower() > limit as u64 {
        if !format.waits {
            discard(body).await;
        }
        return Err(too_large());
    }
    Ok(Some(format.coding.inflate(body, limit)))
}

/// Answers with an error; one for a type or coding that is not known says which ones are.
pub(super) fn refusal(error: &Error) -> Response {
    let mut response = error_response(error);
    if error.code() == 415 {
        response.headers_mut().insert(ACCEPT_POST, HeaderValue::from_static(TYPES));
        response.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static(Coding::KNOWN));
    }
    response
}

/// Passes over a byte order mark, which some editors and spreadsheets write.
#[inline]
fn without_mark(body: Bytes) -> Bytes {
    if body.starts_with(b"\xEF\xBB\xBF") { body.slice(3..) } else { body }
}

/// Checks JSON text and passes it on as it is: nothing is decoded before it is needed.
fn json(body: Bytes) -> Result<Payload> {
    match body.trim_ascii_start().first() {
        None if body.is_empty() => Ok(Payload::from_valid_json(Bytes::from_static(b"{}"))),
        Some(b'{' | b'[') | None => Payload::from_json(body),
        Some(_) => {
            Payload::from_json(body)?;
            Err(Error::bad_request("invalid JSON, only supports object and array"))
        }
    }
}

fn text(body: &[u8]) -> Result<&str> {
    std::str::from_utf8(body)
        .map_err(|error| Error::bad_request(format!("the body is not valid UTF-8 at byte {}", error.valid_up_to())))
}

/// Reads a whole body; what is left of one that is too large is thrown away.
///
/// `waits` says that the client waits for a `100 Continue` before it sends the body.
async fn read(mut body: Body, limit: usize, waits: bool, meter: &Meter) -> Result<Incoming> {
    let is_announced = body.size_hint().lower() > limit as u64;
    let read = incoming::read(&mut body, limit, meter).await;
    if read.as_ref().is_err_and(|error| error.code() == 413) && !(is_announced && waits) {
        discard(body).await;
    }
    read
}

async fn discard(mut body: Body) {
    let mut left = DISCARD;
    while let Ok(Some(piece)) = next(&mut body).await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            return;
        }
    }
}
