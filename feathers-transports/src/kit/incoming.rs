//! The bodies of requests, as they come: piece by piece, within their limit and within the budget.

use axum::body::Body;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use feathers_core::{AppHandle, Error, Result};
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::kit::answer::{too_large, too_late};
use crate::kit::budget::{Budget, Meter, Permit, SMALL};

/// The most that is set aside for a body because it says how long it is.
const AT_ONCE: usize = 64 << 10;

/// A whole body, and the leave to hold it; a small one needs none.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) bytes: Bytes,
    pub(crate) permit: Option<Permit>,
}

/// Reads the whole body of a request, and counts it in what the server of the app holds until the bytes are dropped.
///
/// # Errors
/// More bytes than `limit` are a 413, a body that breaks off is a 400, one that takes longer than the server's time for
/// bodies is a 408, and where the server or the client's address has no room left in its budget it is a 503 or a 429.
///
/// ```
/// use axum::extract::Request;
/// use axum::response::{IntoResponse, Response};
/// use feathers_core::AppHandle;
/// use feathers_transports::kit::{error_response, read_body};
///
/// async fn echo(app: AppHandle, mut request: Request) -> Response {
///     match read_body(&app, &mut request, 64 << 10).await {
///         Ok(bytes) => bytes.into_response(),
///         Err(error) => error_response(&error),
///     }
/// }
/// ```
pub async fn read_body(app: &AppHandle, request: &mut Request, limit: usize) -> Result<Bytes> {
    let budget = Budget::of(app);
    let (meter, time) = (Meter::of(&budget, request.extensions()), budget.body_time());
    let read = tokio::time::timeout(time, read(request.body_mut(), limit, &meter)).await;
    let Incoming { bytes, permit } = read.unwrap_or_else(|_| Err(too_late(time)))?;
    Ok(match permit {
        Some(permit) => permit.hold(bytes),
        None => bytes,
    })
}

/// Reads a whole body. One that comes in one piece, as small ones do, is not copied.
///
/// More than the limit is a 413; `body` has the rest then.
pub(crate) async fn read(body: &mut Body, limit: usize, meter: &Meter) -> Result<Incoming> {
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(too_large());
    }
    let mut permit: Option<Permit> = None;
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(piece) = next(body).await? {
        let length = all.as_ref().map_or(first.len(), BytesMut::len) + piece.len();
        if length > limit {
            return Err(too_large());
        }
        match &mut permit {
            Some(permit) => permit.grow(length)?,
            None if length > SMALL => permit = Some(meter.account().take(length)?),
            None => {}
        }
        match &mut all {
            Some(all) => all.extend_from_slice(&piece),
            None if first.is_empty() => first = piece,
            None => {
                let announced = usize::try_from(announced).unwrap_or_default().min(AT_ONCE);
                let mut both = BytesMut::with_capacity(announced.max(length));
                both.extend_from_slice(&first);
                both.extend_from_slice(&piece);
                all = Some(both);
            }
        }
    }
    Ok(Incoming { bytes: all.map_or(first, BytesMut::freeze), permit })
}

/// Returns the next piece of a body.
pub(crate) async fn next(body: &mut Body) -> Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Error::bad_request("the body could not be read").with_source(error))?;
        if let Ok(piece) = frame.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}
