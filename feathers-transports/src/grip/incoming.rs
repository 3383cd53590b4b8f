//! What comes in: a request is looked at once, before anything else reads it.
//!
//! A signature that verifies makes the proxy's other headers trusted. Without one, any client may have sent them, and
//! they are removed.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use feathers_core::{Cursor, Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};

use super::item_id::ItemId;
use super::origin::Origin;
use crate::realtime::HeldBy;

const SIG: HeaderName = HeaderName::from_static("grip-sig");
const LAST: HeaderName = HeaderName::from_static("grip-last");
const FEATURE: HeaderName = HeaderName::from_static("grip-feature");
pub(super) const HOLD: HeaderName = HeaderName::from_static("grip-hold");
const STATUS: HeaderName = HeaderName::from_static("grip-status");
const CONNECTION_ID: &str = "connection-id";
/// The state of a WebSocket, as the proxy brings it back.
const STATE: HeaderName = HeaderName::from_static("meta-feathers");

/// How many channels may be said of.
const MOST: usize = 64;

/// Marks a request that has come through a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Proxied(Arc<Said>);

#[derive(Debug)]
struct Said {
    origin: Origin,
    last: Vec<(String, String)>,
    features: Option<String>,
    state: Option<String>,
}

impl Proxied {
    /// Takes the headers of proxies off a request, and marks it if they are true.
    ///
    /// An error is the 501 for requests that come without a proxy where one is required.
    pub(crate) fn receive(origin: &Origin, request: &mut Request<Body>) -> Result<()> {
        let headers = request.headers_mut();
        let text = |value: &HeaderValue| value.to_str().ok().map(ToOwned::to_owned);
        let one = |headers: &HeaderMap, name: &HeaderName| headers.get(name).and_then(text);
        let mut signatures = headers.get_all(&SIG).iter();
        let signature = signatures.next().and_then(text).filter(|_| signatures.next().is_none());
        let is_signed = signature.is_some_and(|signature| origin.verify(&signature));
        let said = is_signed.then(|| Said {
            origin: origin.clone(),
            last: headers.get_all(&LAST).iter().filter_map(text).flat_map(|list| last(&list)).take(MOST).collect(),
            features: one(headers, &FEATURE),
            state: one(headers, &STATE),
        });
        let of_proxies = |name: &HeaderName| {
            let name = name.as_str();
            name.starts_with("grip-") || name.starts_with("meta-") || name == CONNECTION_ID
        };
        let names: Vec<_> = headers.keys().filter(|name| of_proxies(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
        if let Some(said) = said {
            // A body that is held goes out later and to others, so it is not compressed for this hop.
            headers.remove(header::ACCEPT_ENCODING);
            let proxied = Self(Arc::new(said));
            request.extensions_mut().insert(HeldBy(Arc::new(proxied.clone())));
            request.extensions_mut().insert(proxied);
        } else if origin.is_proxy_required() {
            return Err(Error::not_implemented("this server is only reached through its GRIP proxy"));
        }
        Ok(())
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Returns up to where the client has got everything on a channel, as the proxy says.
    pub(crate) fn last(&self, channel: &str) -> Option<Cursor> {
        let (_, id) = self.0.last.iter().find(|(name, _)| name == channel)?;
        ItemId::delivered(id)
    }

    /// Returns up to where the client has got everything, for a request that is held on one channel with ids only.
    pub(crate) fn delivered(&self) -> impl Iterator<Item = Cursor> {
        self.0.last.iter().filter_map(|(_, id)| ItemId::delivered(id))
    }

    /// Tells whether the proxy says that it has a feature, or nothing about features.
    pub(crate) fn has(&self, feature: &str) -> bool {
        self.0.features.as_ref().is_none_or(|list| list.split(',').any(|name| name.trim() == feature))
    }

    /// Returns the state of the WebSocket.
    pub(crate) fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }
}

/// Makes an answer that is held a 200, whose real status the proxy gives.
pub(crate) fn finish(response: &mut Response) {
    let status = response.status();
    if !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) || !response.headers().contains_key(HOLD) {
        return;
    }
    if let Ok(value) = HeaderValue::try_from(status.to_string()) {
        *response.status_mut() = StatusCode::OK;
        response.headers_mut().insert(STATUS, value);
    }
}

/// Reads `<channel>; last-id=<id>`, of which one header may have several.
fn last(list: &str) -> Vec<(String, String)> {
    let one = |text: &str| {
        let (channel, parameters) = text.split_once(';')?;
        let id = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("last-id="))?;
        Some((channel.trim().to_owned(), id.trim().trim_matches('"').to_owned()))
    };
    list.split(',').filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::last;

    #[test]
    fn what_a_client_got_last() {
        let pair = |channel: &str, id: &str| (channel.to_owned(), id.to_owned());
        assert_eq!(last("e-a; last-id=abc-1"), [pair("e-a", "abc-1")]);
        assert_eq!(last("e-a;last-id=\"1\" , e-b; x=y; last-id=2"), [pair("e-a", "1"), pair("e-b", "2")]);
        assert_eq!(last("e-a, ;, last-id=1, e-b; last=2"), []);
    }
}
