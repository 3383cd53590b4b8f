//! From the reply of a call to the response.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use feathers_core::{Error, Reply, Result};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::kit::answer::{JSON, final_status};

/// What has no place in a URL; everything else, also `%`, is left as it is.
const NOT_IN_URLS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'{').add(b'}');

/// Encodes a reply.
///
/// The status is the hook's own, else 303 with a location, else 204 for `null`, else 201 for `create`, else 200.
/// A status that HTTP does not know is a 500. What leaves is counted.
pub(super) fn reply(reply: &Reply, created: bool, count: impl FnOnce(Bytes) -> Result<Bytes>) -> Result<Response> {
    let body = reply.body();
    let empty = body.is_null();
    let http = &reply.http;
    let status = match http.status {
        Some(code) => final_status(code).ok_or_else(|| Error::internal(format!("a hook has set the status {code}")))?,
        None if http.location.is_some() => StatusCode::SEE_OTHER,
        None if empty => StatusCode::NO_CONTENT,
        None if created => StatusCode::CREATED,
        None => StatusCode::OK,
    };
    let bodiless = empty || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = Response::new(if bodiless { Body::empty() } else { Body::from(count(body.to_bytes()?)?) });
    *response.status_mut() = status;
    if !bodiless {
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    }
    if !http.headers.is_empty() {
        set_headers(response.headers_mut(), &http.headers);
    }
    if let Some(location) = &http.location {
        response.headers_mut().insert(header::LOCATION, encode_url(location)?);
    }
    Ok(response)
}

/// Sets the headers of the hooks; the values of one name are joined, but for cookies, which cannot be.
fn set_headers(headers: &mut HeaderMap, own: &[(HeaderName, HeaderValue)]) {
    for (index, (name, value)) in own.iter().enumerate() {
        // The server counts and frames the body itself; a hook's own idea of it would break the connection.
        if matches!(*name, header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION) {
            continue;
        }
        if *name == header::SET_COOKIE {
            headers.append(name, value.clone());
            continue;
        }
        if own.iter().take(index).any(|(earlier, _)| earlier == name) {
            continue;
        }
        let mut values =
            own.iter().skip(index + 1).filter(|(later, _)| later == name).map(|(_, value)| value).peekable();
        if values.peek().is_none() {
            headers.insert(name, value.clone());
            continue;
        }
        let mut joined = value.as_bytes().to_vec();
        for value in values {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value.as_bytes());
        }
        if let Ok(joined) = HeaderValue::from_maybe_shared(bytes::Bytes::from(joined)) {
            headers.insert(name, joined);
        }
    }
}

/// Percent-encodes what has no place in a URL; what is encoded already stays so.
fn encode_url(url: &str) -> Result<HeaderValue> {
    let mut out = String::with_capacity(url.len());
    let mut rest = url;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        out.extend(utf8_percent_encode(before, NOT_IN_URLS));
        let bytes = from.as_bytes();
        let encoded = bytes.get(1..3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        out.push_str(if encoded { "%" } else { "%25" });
        rest = from.get(1..).unwrap_or_default();
    }
    out.extend(utf8_percent_encode(rest, NOT_IN_URLS));
    Ok(HeaderValue::try_from(out)?)
}

#[cfg(test)]
mod tests {
    use super::encode_url;

    #[test]
    fn locations_are_encoded_once() {
        let check = |url: &str, expected: &str| {
            assert_eq!(encode_url(url).ok().as_ref().and_then(|value| value.to_str().ok()), Some(expected));
        };
        check("/foo", "/foo");
        check("/foo bar/é", "/foo%20bar/%C3%A9");
        check("/foo%20bar", "/foo%20bar");
        check("/100%", "/100%25");
        check("/%zz%é", "/%25zz%25%C3%A9");
        check("http://host:80/a?b[c]=d&e=f#g", "http://host:80/a?b[c]=d&e=f#g");
        check("/a\r\nSet-Cookie: x=1", "/a%0D%0ASet-Cookie:%20x=1");
    }
}
