//! Extractors: what a method of a `#[service]` block takes from its call, by type.

mod argument;
mod caller;
mod route;

pub use self::argument::{Argument, data_schema};
pub use self::caller::Caller;
pub use self::route::Route;
use crate::call::app::AppHandle;
use crate::call::params::Params;
use crate::call::service::RequestParts;
use crate::data::error::{Error, Result};
use crate::event::connection::Connection;

/// A type that a method of a `#[service]` block can take besides its id and data.
///
/// There are `&AppHandle`, `&Params`, `&Connection`, [`Caller`] and [`Route`]; and those of your own, also ones that
/// borrow from the call. What has to be waited for is found in a hook, which puts it among the parameters.
///
/// A type of your own must not be one that serde reads, which would be the data.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::app::{FromRequest, RequestParts};
/// use feathers::{Error, Result};
///
/// /// The language that the client asks for.
/// struct Language<'r>(&'r str);
///
/// impl<'r> FromRequest<'r> for Language<'r> {
///     fn from_request(request: RequestParts<'r>) -> Result<Self> {
///         let header = request.params.headers.value("accept-language");
///         header.map(Self).ok_or_else(|| Error::bad_request("which language?"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a service method cannot take `{Self}` from its call",
    label = "not what a call has",
    note = "legal are `&AppHandle`, `&Params`, `&Connection`, `Caller<User>` and `Route<T>`, and types for which you implement `FromRequest`",
    note = "the data is taken once and by value, before types of your own; `find`, `get` and `remove` have none"
)]
pub trait FromRequest<'r>: Sized {
    /// Takes it from a call.
    ///
    /// # Errors
    /// The call has no such thing: what the caller is answered. The method does not run.
    fn from_request(request: RequestParts<'r>) -> Result<Self>;
}

impl<'r> FromRequest<'r> for &'r AppHandle {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        Ok(request.app)
    }
}

impl<'r> FromRequest<'r> for &'r Params {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        Ok(request.params)
    }
}

/// Without a connection, as over plain REST and from inside, the call is a 400.
impl<'r> FromRequest<'r> for &'r Connection {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        let connection = request.params.connection.as_ref();
        connection.ok_or_else(|| Error::bad_request(format!("'{}' must be called on a connection", request.method)))
    }
}

/// The connection, where the call has one.
impl<'r> FromRequest<'r> for Option<&'r Connection> {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        Ok(request.params.connection.as_ref())
    }
}
