//! Decodes calls: `[method, path, ...arguments]` with the positions that Feathers gives them.

use bytes::Bytes;
use feathers_core::{AppHandle, Call, Encoding, Error, Id, Method, Params, Payload, Result};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A text or list as the query has at most this many elements.
const MAX_INDEXED: usize = 1_000;

/// Decodes the arguments of an event into a call.
///
/// Data stays JSON text until it is read.
pub(crate) fn call(app: &AppHandle, arguments: &str, mut params: Params) -> Result<Call> {
    let arguments: Vec<&RawValue> =
        serde_json::from_str(arguments).map_err(|error| Error::bad_request(format!("Invalid JSON: {error}")))?;
    let mut arguments = arguments.into_iter();
    let method = arguments.next().and_then(text).ok_or_else(|| Error::bad_request("Invalid method"))?;
    let path = arguments.next().and_then(text).ok_or_else(|| Error::not_found("Invalid service path"))?;
    let route =
        app.lookup(&path, Encoding::Plain)?.ok_or_else(|| Error::not_found(format!("Service '{path}' not found")))?;
    let method = Method::named(&method);
    if !route.allows(&method) {
        return Err(Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'")));
    }

    let id = if method.has_id() { arguments.next() } else { None };
    let data = if method.has_data() { arguments.next() } else { None };
    params.query = arguments.next().map(query).transpose()?.unwrap_or_default();
    if arguments.next().is_some() {
        return Err(Error::bad_request(format!("Too many arguments for '{method}' method")));
    }
    if let Some(id) = route.id() {
        params.route.set("__id", id.to_string());
    }
    Ok(Call {
        route,
        method,
        id: id.map(value).transpose()?.map_or(Ok(None), |id| Id::from_json(&id))?,
        data: data.map(|data| Payload::from_raw(data.to_owned())).transpose()?.unwrap_or_default(),
        params,
    })
}

fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

/// Fails for what is nested too deeply, and for what is valid JSON but no value, with its place.
fn value(json: &RawValue) -> Result<Value> {
    serde_json::from_str(json.get()).or_else(|_| {
        let json = Bytes::copy_from_slice(json.get().as_bytes());
        Payload::from_valid_json(json).value().cloned()
    })
}

/// Makes an object of any JSON, as JavaScript's `Object.assign` does: texts and lists by index, the rest is empty.
fn query(json: &RawValue) -> Result<Map<String, Value>> {
    let indexed: Vec<Value> = match value(json)? {
        Value::Object(query) => return Ok(query),
        Value::String(text) => text.chars().take(MAX_INDEXED + 1).map(|char| char.to_string().into()).collect(),
        Value::Array(items) => items,
        Value::Null | Value::Bool(_) | Value::Number(_) => return Ok(Map::new()),
    };
    if indexed.len() > MAX_INDEXED {
        return Err(Error::bad_request("the query must be an object"));
    }
    Ok(indexed.into_iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect())
}
