//! The version of a record over HTTP: `If-Match` names the one that the client knows, and `ETag` tells the one that is.
//!
//! Tags are compared strongly, as RFC 9110 asks for `If-Match` (section 13.1.1): a weak one never matches.

use axum::response::Response;
use feathers_core::{Error, Id, Method, Payload, Result, ServiceInfo};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};

/// The word of queries for it.
const WORD: &str = "$version";

/// Makes `If-Match` a part of the query.
///
/// A service that says nothing of its records reads the header itself. Elsewhere tags where there is no version are a
/// 412: none can match.
pub(super) fn expect(
    headers: &HeaderMap,
    service: &ServiceInfo,
    id: Option<&Id>,
    query: &mut Map<String, Value>,
) -> Result<()> {
    if service.descriptor().schema.is_none() {
        return Ok(());
    }
    let Some(versions) = versions(headers)? else { return Ok(()) };
    if service.version_field().is_none() {
        return Err(Error::precondition_failed("If-Match names a version, and these records have none"));
    }
    if id.is_none() {
        return Err(Error::precondition_failed("If-Match names a version, and only a single record has one"));
    }
    if query.contains_key(WORD) {
        return Err(Error::bad_request("If-Match and $version both name a version: send one of them"));
    }
    query.insert(WORD.to_owned(), versions.into());
    Ok(())
}

/// Reads the versions that `If-Match` names; `None` for `*`, which any record matches.
fn versions(headers: &HeaderMap) -> Result<Option<Vec<Value>>> {
    let wrong = || Error::bad_request("If-Match must be `*` or entity tags such as `\"3\"`");
    let mut versions = Vec::new();
    let mut is_any = false;
    let mut count = 0;
    for value in headers.get_all(header::IF_MATCH) {
        let mut rest = value.to_str().map_err(|_| wrong())?.trim();
        while !rest.is_empty() {
            count += 1;
            if let Some(after) = rest.strip_prefix('*') {
                is_any = true;
                rest = after;
            } else {
                let (weak, opaque) = rest.strip_prefix("W/").map_or((false, rest), |tag| (true, tag));
                let (tag, after) = opaque.strip_prefix('"').and_then(|tag| tag.split_once('"')).ok_or_else(wrong)?;
                // A tag that is none of ours is the version of no record.
                versions.extend(
                    tag.parse::<i64>().ok().filter(|number| !weak && number.to_string() == tag).map(Value::from),
                );
                rest = after;
            }
            rest = rest.trim_start();
            if !rest.is_empty() {
                rest = rest.strip_prefix(',').ok_or_else(wrong)?.trim_start();
            }
        }
    }
    match (is_any, count) {
        (true, 1) => Ok(None),
        (true, _) | (false, 0) => Err(wrong()),
        (false, _) => Ok(Some(versions)),
    }
}

/// Tells the version of a record in its answer, unless a hook has set the header.
pub(super) fn tag(response: &mut Response, service: &ServiceInfo, method: &Method, body: &Payload) {
    let Some(field) = service.version_field() else { return };
    let is_record = matches!(method, Method::Get | Method::Create | Method::Update | Method::Patch);
    if !is_record || !response.status().is_success() || response.headers().contains_key(header::ETAG) {
        return;
    }
    let version = body.value().ok().and_then(|record| record.get(field)?.as_i64());
    if let Some(tag) = version.and_then(|version| HeaderValue::try_from(format!("\"{version}\"")).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_http_writes_them() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_MATCH, value.parse().unwrap());
            }
            versions(&headers).map_err(|error| error.code())
        };
        let all = |numbers: &[i64]| Ok(Some(numbers.iter().map(|number| Value::from(*number)).collect()));
        assert_eq!(read(&["\"3\""]), all(&[3]));
        assert_eq!(read(&["\"3\", \"4\"", "\"5\""]), all(&[3, 4, 5]));
        assert_eq!(read(&["W/\"3\", \"x,y\" ,\"03\", \"+3\""]), all(&[]));
        assert_eq!(read(&["*"]), Ok(None));
        for wrong in ["3", "\"3", "*, \"3\"", "\"3\" \"4\"", "", "w/\"3\"", "\"3\";"] {
            assert_eq!(read(&[wrong]), Err(400), "{wrong}");
        }
    }
}
