//! The JSON-RPC 2.0 profile of the raw WebSocket: what is read and written, without any I/O.
//!
//! A call's `method` is the service's, and its `params` name `path`, `id`, `data` and `query`, or list them in
//! Feathers' order. Names that begin with `$` are the protocol's own.

use std::borrow::Cow;

use bytes::Bytes;
use feathers_core::{
    AppHandle, Call, Cursor, DeliveredEvent, Encoding, Error, Id, Method, Params, Payload, Reset, Result,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::kit::calls::Encode;

/// How many requests a batch may have.
pub(super) const BATCH: usize = 64;

/// The codes of JSON-RPC for what is wrong with a message itself.
pub(super) const PARSE_ERROR: i32 = -32_700;
pub(super) const INVALID_REQUEST: i32 = -32_600;
pub(super) const METHOD_NOT_FOUND: i32 = -32_601;
pub(super) const INVALID_PARAMS: i32 = -32_602;
pub(super) const CANCELLED: i32 = -32_800;

/// The id of a request: any JSON that is a text, a number or null. Without one no answer is wanted.
pub(super) type RequestId = Box<RawValue>;

/// One request as a client sends it; what it holds is looked at when it is asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present")]
    pub(super) id: Option<RequestId>,
    #[serde(borrow, default)]
    method: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) params: Option<&'a RawValue>,
}

/// Why a call cannot be made: the request is no call, or the service has nothing like it.
#[derive(Debug)]
pub(super) enum Refusal {
    Fault(Fault),
    Error(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// `null` is an id, and not the same as none.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<RequestId>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

/// What is wrong with a message itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: i32,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn of(error: &serde_json::Error) -> Self {
        Self::new(if error.is_data() { INVALID_REQUEST } else { PARSE_ERROR }, error.to_string())
    }
}

/// Reads a message: one request, or a batch, in which each request stands for itself.
pub(super) fn parse(text: &str) -> Result<Vec<Result<Incoming<'_>, Fault>>, Fault> {
    if !text.trim_start().starts_with('[') {
        return request(text).map(|one| vec![Ok(one)]);
    }
    let batch: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| Fault::of(&error))?;
    match batch.len() {
        0 => Err(Fault::new(INVALID_REQUEST, "the batch is empty")),
        1..=BATCH => Ok(batch.into_iter().map(|one| request(one.get())).collect()),
        _ => Err(Fault::new(INVALID_REQUEST, format!("a batch has at most {BATCH} requests"))),
    }
}

fn request(text: &str) -> Result<Incoming<'_>, Fault> {
    let request: Incoming<'_> = serde_json::from_str(text).map_err(|error| Fault::of(&error))?;
    let wrong = |message: &str| Err(Fault::new(INVALID_REQUEST, message));
    // A list of the fields in order would be taken for them.
    if !text.trim_start().starts_with('{') {
        return wrong("a request is an object");
    }
    if request.id.as_ref().is_some_and(|id| id.get().starts_with(['{', '[', 't', 'f'])) {
        return wrong("id must be a string, a number or null");
    }
    Ok(request)
}

impl<'a> Incoming<'a> {
    /// Returns the method, if the request is well-formed.
    pub(super) fn method(&self) -> Result<Cow<'a, str>, Fault> {
        #[derive(Deserialize)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

        if self.jsonrpc.is_none_or(|version| version.get() != "\"2.0\"") {
            return Err(Fault::new(INVALID_REQUEST, "jsonrpc must be \"2.0\""));
        }
        self.method
            .and_then(|method| serde_json::from_str(method.get()).ok())
            .map(|Text(method)| method)
            .ok_or_else(|| Fault::new(INVALID_REQUEST, "method must be a string"))
    }

    /// Returns the text of the parameters, which is empty where there are none.
    pub(super) fn text(&self) -> &'a str {
        self.params.map_or("", RawValue::get)
    }

    /// Reads the parameters of one of the protocol's own methods.
    pub(super) fn own_params<T: Default + DeserializeOwned + 'static>(&self) -> Result<T, Fault> {
        match self.params {
            None => Ok(T::default()),
            Some(params) => read(params.get()),
        }
    }
}

/// Decodes a call of a service from the text of its parameters, which is empty where there are none.
pub(super) fn call(app: &AppHandle, method: &str, text: &str, mut params: Params) -> Result<Call, Refusal> {
    let method = Method::named(method);
    let arguments = arguments(&method, text)?;
    let path = arguments.path.ok_or_else(|| Fault::new(INVALID_PARAMS, "path must be a string"))?;
    let route =
        app.lookup(&path, Encoding::Plain)?.ok_or_else(|| Error::not_found(format!("Service '{path}' not found")))?;
    if !route.allows(&method) {
        let error = Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'"));
        return Err(error.into());
    }
    if let Some(id) = route.id() {
        params.route.set("__id", id.to_string());
    }
    params.query = arguments.query.unwrap_or_default();
    let id = arguments.id.map_or(Ok(None), |id| Id::from_json(&id))?;
    let data = arguments.data.map(Payload::from_raw).transpose()?.unwrap_or_default();
    Ok(Call { route, method, id, data, params })
}

fn arguments(method: &Method, text: &str) -> Result<Arguments, Fault> {
    if text.is_empty() {
        return Ok(Arguments::default());
    }
    if !text.trim_start().starts_with('[') {
        return read(text);
    }
    let list: Vec<Box<RawValue>> = read(text)?;
    let mut list = list.into_iter();
    let mut next = |wanted: bool| if wanted { list.next() } else { None };
    let (path, id) = (next(true), next(method.has_id()));
    let (data, query) = (next(method.has_data()), next(true));
    if list.next().is_some() {
        return Err(Fault::new(INVALID_PARAMS, format!("too many arguments for '{method}'")));
    }
    Ok(Arguments {
        path: path.map(|path| read(path.get())).transpose()?,
        id: id.map(|id| read(id.get())).transpose()?,
        data,
        query: query.map(|query| read(query.get())).transpose()?,
    })
}

/// Reads parameters; the fault of those that do not fit names the place and what was expected there.
fn read<T: DeserializeOwned + 'static>(params: &str) -> Result<T, Fault> {
    serde_json::from_str(params).or_else(|_| {
        let wrong = Payload::from_valid_json(Bytes::copy_from_slice(params.as_bytes())).decode();
        wrong.map_err(|error| Fault::new(INVALID_PARAMS, words(&error)))
    })
}

/// Says what is wrong in one line.
fn words(error: &Error) -> String {
    let Some(items) = error.data().and_then(Value::as_array) else { return error.message().to_owned() };
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let items = items.iter().map(|item| format!("{} {}", text(item, "instancePath"), text(item, "message")));
    items.map(|item| item.trim_start().to_owned()).collect::<Vec<_>>().join(", ")
}

/// The arguments of a call.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    data: Option<Box<RawValue>>,
    #[serde(default)]
    query: Option<Map<String, Value>>,
}

/// The parameters of `$hello`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hello {
    /// Credentials.
    #[serde(default)]
    pub(super) auth: Option<Map<String, Value>>,
    /// From where the client wants events.
    #[serde(default)]
    pub(super) since: Option<String>,
}

/// The parameters of `$cancel`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cancel {
    /// The request that is not to be run.
    #[serde(default)]
    pub(super) id: Option<Value>,
}

/// The result of `$hello`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Welcome<'a> {
    pub(super) connection_token: &'a str,
    pub(super) recovered: bool,
    pub(super) cursor: Cursor,
    /// What a client that a ticket has let in reconnects with, beside that ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ticket_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reset: Option<Reset>,
    pub(super) ping: u128,
    #[serde(rename = "maxFrame")]
    pub(super) max_message: usize,
}

/// Writes a result.
pub(super) fn result(id: &RawValue, result: &impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a, T: Serialize> {
        jsonrpc: &'static str,
        id: &'a RawValue,
        result: &'a T,
    }
    write(&Body { jsonrpc: "2.0", id, result })
}

/// Writes what was wrong with a message.
pub(super) fn fault(id: Option<&RawValue>, fault: &Fault) -> Bytes {
    failure(id, fault.code, &fault.message, None)
}

fn failure(id: Option<&RawValue>, code: i32, message: &str, data: Option<&Error>) -> Bytes {
    #[derive(Serialize)]
    struct Failure<'a> {
        code: i32,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a Error>,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        jsonrpc: &'static str,
        id: Option<&'a RawValue>,
        error: Failure<'a>,
    }
    write(&Body { jsonrpc: "2.0", id, error: Failure { code, message, data } })
}

/// Writes a notification of the server.
pub(super) fn notification(method: &str, params: &impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a, T: Serialize> {
        jsonrpc: &'static str,
        method: &'a str,
        params: &'a T,
    }
    write(&Body { jsonrpc: "2.0", method, params })
}

/// Where a client stands.
#[derive(Serialize)]
pub(super) struct Position {
    pub(super) cursor: Cursor,
}

/// Writes the message that tells a client its position.
pub(crate) fn ping(cursor: Cursor) -> Bytes {
    notification("$ping", &Position { cursor })
}

/// Writes an event.
pub(crate) fn event(delivered: &DeliveredEvent) -> Result<Bytes> {
    #[derive(Serialize)]
    struct Body<'a> {
        path: &'a str,
        event: &'a str,
        data: &'a RawValue,
        cursor: Cursor,
    }
    let json = delivered.json();
    let data = serde_json::from_slice(json)?;
    let body = Body { path: delivered.path(), event: delivered.name(), data, cursor: delivered.cursor() };
    Ok(notification("$event", &body))
}

fn write(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).unwrap_or_default().into()
}

/// Where the answer to a call goes.
#[derive(Debug)]
pub(super) struct Reply(pub(super) Option<RequestId>);

impl Encode for Reply {
    type Refusal = Refusal;

    fn encode(&self, outcome: Result<Payload, Refusal>) -> Option<Bytes> {
        let id = self.0.as_ref()?;
        Some(match outcome {
            Ok(payload) => result(id, &payload),
            Err(Refusal::Error(error)) => failure(Some(id), error.code().into(), error.message(), Some(&error)),
            Err(Refusal::Fault(wrong)) => fault(Some(id), &wrong),
        })
    }
}

#[cfg(test)]
mod tests;
