//! What comes with a call besides id and data: query, headers, route, connection.

use std::net::IpAddr;
use std::sync::Arc;

use http::Extensions;
use serde_json::{Map, Value};

use crate::call::crud_options::CrudOptions;
use crate::data::error::{Error, Result};
use crate::event::connection::Connection;
use crate::event::headers::Headers;
use crate::event::provider::Provider;

/// Says that a browser sends the call for a page of another site; a transport puts it among the parameters of logins.
///
/// The page may have no right to that: its login would log the browser in as another user, unnoticed.
#[derive(Clone, Copy, Debug)]
pub struct CrossSite;

/// The values of a path's placeholders: `userId` of `users/:userId/messages`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteParams(Vec<(Arc<str>, String)>);

impl RouteParams {
    /// Returns the value of a placeholder.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| &**key == name).map(|(_, value)| value.as_str())
    }

    /// Sets a value, replacing an earlier one of the same name.
    pub fn set(&mut self, name: impl Into<Arc<str>>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// Iterates over names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_str()))
    }
}

/// The parameters of one call.
///
/// `query` is what the client sent, untyped, so that hooks can read and change it; a store parses it into a typed
/// [`Query`](crate::Query) once, after the hooks.
/// Hooks pass values on through [`Params::insert`].
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// The query as the client wrote it.
    pub query: Map<String, Value>,
    /// The headers of the request, or of the handshake on a socket.
    pub headers: Headers,
    /// The values of the path's placeholders.
    pub route: RouteParams,
    /// The transport; `None` for calls from inside the server.
    pub provider: Option<Provider>,
    /// The connection, on transports that have one.
    pub connection: Option<Connection>,
    /// The address of the client, where the transport knows it.
    pub address: Option<IpAddr>,
    /// Whether the rights of the caller count, although the call comes from inside.
    of_caller: bool,
    /// Why there is no query where there should be one.
    mistake: Option<Error>,
    extensions: Extensions,
}

impl Params {
    /// Makes the parameters of an internal call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the parameters of an internal call with a query, given as a JSON object.
    ///
    /// Any other JSON value, also `null`, is kept as a mistake, and the call is a 400: an empty query would match all.
    pub fn query(query: Value) -> Self {
        match query {
            Value::Object(query) => Self { query, ..Self::default() },
            _ => Self { mistake: Some(Error::bad_request("the query must be an object")), ..Self::default() },
        }
    }

    /// Checks that these were made of a query that can be one.
    ///
    /// # Errors
    /// The query was no object: a 400.
    pub fn check(&self) -> Result<()> {
        self.mistake.as_ref().map_or(Ok(()), |mistake| Err(mistake.clone()))
    }

    /// Returns the parameters of a call from inside that is made with the rights of this call's caller, where calls from
    /// inside have all rights otherwise.
    ///
    /// The access rules of the other service count as they do for a call of that caller. It begins with an empty query.
    /// Where this call comes from inside itself, so does the other one, with all rights.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// use feathers::{Context, Params, Result};
    ///
    /// async fn may_write(ctx: &mut Context) -> Result<()> {
    ///     let ticket = ctx.data.value()?["ticketId"].as_i64().unwrap_or_default();
    ///     // A 404 if the caller may not read the ticket.
    ///     ctx.app().service("tickets")?.get(ticket, ctx.params.as_caller()).await.map(drop)
    /// }
    /// ```
    pub fn as_caller(&self) -> Self {
        let mut params = Self {
            of_caller: self.has_rules(),
            headers: self.headers.clone(),
            connection: self.connection.clone(),
            address: self.address,
            extensions: self.extensions.clone(),
            ..Self::default()
        };
        // What hooks have decided for this call.
        params.extensions.remove::<CrudOptions>();
        params
    }

    /// Tells whether access rules count for the call.
    pub(crate) fn has_rules(&self) -> bool {
        self.is_external() || self.of_caller
    }

    /// Tells whether the call came from outside.
    pub fn is_external(&self) -> bool {
        self.provider.is_some()
    }

    /// Returns the value of this type that a hook or middleware has put here.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get()
    }

    /// Returns the value of this type.
    ///
    /// # Errors
    /// There is none of the type, whose name is in the error: a 500.
    pub fn require<T: Send + Sync + 'static>(&self) -> Result<&T> {
        self.get().ok_or_else(|| Error::missing::<T>("parameters"))
    }

    /// Puts a value here for later hooks and the service, and returns the earlier one of the same type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.extensions.insert(value)
    }

    /// Takes out the value of this type.
    pub fn remove<T: Clone + Send + Sync + 'static>(&mut self) -> Option<T> {
        self.extensions.remove()
    }

    /// Adds everything that middleware has put on the request.
    pub fn extend(&mut self, extensions: Extensions) {
        self.extensions.extend(extensions);
    }
}

/// `()` stands for no parameters at all in internal calls.
impl From<()> for Params {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// A JSON object stands for its query in internal calls; see [`Params::query`].
impl From<Value> for Params {
    fn from(query: Value) -> Self {
        Self::query(query)
    }
}

impl From<&Self> for Params {
    fn from(params: &Self) -> Self {
        params.clone()
    }
}
