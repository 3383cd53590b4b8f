//! The one error type: a Feathers error, cheap to clone, with an internal cause that never reaches a client.
//!
//! The JSON form is the one every Feathers client knows: `name`, `message`, `code`, `className`, then `data` and
//! `errors` where they are set.

mod shown;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A result whose error is an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What clients see of an error whose cause is not for them.
const INTERNAL: &str = "Internal server error";

/// What kind of failure an [`Error`] is: one of the 17 Feathers classes, or
/// `PreconditionFailed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 400: the request itself is wrong.
    BadRequest,
    /// 401: the caller is anonymous, or its credentials are wrong.
    NotAuthenticated,
    /// 402: payment is needed.
    PaymentError,
    /// 403: the caller is known and may not do this.
    Forbidden,
    /// 404: no such service or record.
    NotFound,
    /// 405: the service does not have this method, or not for this caller.
    MethodNotAllowed,
    /// 406: no representation that the client accepts.
    NotAcceptable,
    /// 408: the call took too long.
    Timeout,
    /// 409: the record exists already, or has changed meanwhile.
    Conflict,
    /// 410: the record was there and is gone for good.
    Gone,
    /// 411: the request has no length.
    LengthRequired,
    /// 412: the record has another version than the one that the request expects.
    PreconditionFailed,
    /// 422: understood, but not processable.
    Unprocessable,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: an unexpected failure; its cause is in the log only.
    GeneralError,
    /// 501: the method is known but not written.
    NotImplemented,
    /// 502: a server behind this one failed.
    BadGateway,
    /// 503: overloaded or shutting down.
    Unavailable,
}

impl ErrorKind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 18] = [
        Self::BadRequest,
        Self::NotAuthenticated,
        Self::PaymentError,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::Timeout,
        Self::Conflict,
        Self::Gone,
        Self::LengthRequired,
        Self::PreconditionFailed,
        Self::Unprocessable,
        Self::TooManyRequests,
        Self::GeneralError,
        Self::NotImplemented,
        Self::BadGateway,
        Self::Unavailable,
    ];

    /// Returns the class name that clients look up, such as `NotFound`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::NotAuthenticated => "NotAuthenticated",
            Self::PaymentError => "PaymentError",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotAcceptable => "NotAcceptable",
            Self::Timeout => "Timeout",
            Self::Conflict => "Conflict",
            Self::Gone => "Gone",
            Self::LengthRequired => "LengthRequired",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::Unprocessable => "Unprocessable",
            Self::TooManyRequests => "TooManyRequests",
            Self::GeneralError => "GeneralError",
            Self::NotImplemented => "NotImplemented",
            Self::BadGateway => "BadGateway",
            Self::Unavailable => "Unavailable",
        }
    }

    /// Returns the kebab-case form of the name, such as `not-found`.
    pub const fn class_name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::NotAuthenticated => "not-authenticated",
            Self::PaymentError => "payment-error",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::NotAcceptable => "not-acceptable",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::LengthRequired => "length-required",
            Self::PreconditionFailed => "precondition-failed",
            Self::Unprocessable => "unprocessable",
            Self::TooManyRequests => "too-many-requests",
            Self::GeneralError => "general-error",
            Self::NotImplemented => "not-implemented",
            Self::BadGateway => "bad-gateway",
            Self::Unavailable => "unavailable",
        }
    }

    /// Returns the HTTP-like code, such as 404.
    pub const fn code(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::NotAuthenticated => 401,
            Self::PaymentError => 402,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::Timeout => 408,
            Self::Conflict => 409,
            Self::Gone => 410,
            Self::LengthRequired => 411,
            Self::PreconditionFailed => 412,
            Self::Unprocessable => 422,
            Self::TooManyRequests => 429,
            Self::GeneralError => 500,
            Self::NotImplemented => 501,
            Self::BadGateway => 502,
            Self::Unavailable => 503,
        }
    }
}

/// A Feathers error.
///
/// It is made by a constructor named after its kind and refined by `with_*`.
/// Any foreign error turns into a [`ErrorKind::GeneralError`] through `?`: the client sees a fixed text, the cause
/// stays in [`Error::source`] for the log.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::Error;
///
/// let error = Error::not_found("No record found for id '7'");
/// assert_eq!(error.code(), 404);
/// assert_eq!(
///     serde_json::to_string(&error).unwrap(),
///     r#"{"name":"NotFound","message":"No record found for id '7'","code":404,"className":"not-found"}"#,
/// );
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    code: u16,
    message: String,
    data: Option<Value>,
    errors: Option<Value>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    retry_after: Option<Duration>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident, $is:ident => $kind:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(message: impl Into<String>) -> Self {
            Self::new(ErrorKind::$kind, message)
        }

        #[doc = concat!("Tells whether the kind is [`ErrorKind::", stringify!($kind), "`].")]
        pub fn $is(&self) -> bool {
            self.kind() == ErrorKind::$kind
        }
    )*};
}

impl Error {
    /// Makes an error of the given kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            code: kind.code(),
            message: message.into(),
            data: None,
            errors: None,
            source: None,
            retry_after: None,
        }))
    }

    constructors! {
        /// Makes a 400.
        bad_request, is_bad_request => BadRequest;
        /// Makes a 401.
        not_authenticated, is_not_authenticated => NotAuthenticated;
        /// Makes a 402.
        payment_error, is_payment_error => PaymentError;
        /// Makes a 403.
        forbidden, is_forbidden => Forbidden;
        /// Makes a 404.
        not_found, is_not_found => NotFound;
        /// Makes a 405.
        method_not_allowed, is_method_not_allowed => MethodNotAllowed;
        /// Makes a 406.
        not_acceptable, is_not_acceptable => NotAcceptable;
        /// Makes a 408.
        timeout, is_timeout => Timeout;
        /// Makes a 409.
        conflict, is_conflict => Conflict;
        /// Makes a 410.
        gone, is_gone => Gone;
        /// Makes a 411.
        length_required, is_length_required => LengthRequired;
        /// Makes a 412.
        precondition_failed, is_precondition_failed => PreconditionFailed;
        /// Makes a 422.
        unprocessable, is_unprocessable => Unprocessable;
        /// Makes a 429.
        too_many_requests, is_too_many_requests => TooManyRequests;
        /// Makes a 500 whose message the client sees; for a foreign cause use `?` or [`Error::internal`].
        general, is_general => GeneralError;
        /// Makes a 501.
        not_implemented, is_not_implemented => NotImplemented;
        /// Makes a 502.
        bad_gateway, is_bad_gateway => BadGateway;
        /// Makes a 503.
        unavailable, is_unavailable => Unavailable;
    }

    /// Makes a 500 with a fixed text; the cause goes to the log and never to a client.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::GeneralError, INTERNAL).with_source(source)
    }

    /// Makes a 500 for a value by type that is not where it has to be.
    pub(crate) fn missing<T>(place: &str) -> Self {
        Self::internal(format!("the {place} has no `{}`", std::any::type_name::<T>()))
    }

    /// Makes the 400 of failed validation, with one item per failure in `data`.
    pub fn validation(items: Vec<Value>) -> Self {
        Self::bad_request("validation failed").with_data(Value::Array(items))
    }

    /// Makes the 404 that stores answer for an unknown record.
    pub fn no_record(id: impl fmt::Display) -> Self {
        Self::not_found(format!("No record found for id '{id}'"))
    }

    /// Makes the 403 of an access rule for a record that the caller may see.
    pub(crate) fn not_allowed(method: &str) -> Self {
        Self::forbidden(format!("You may not {method} this record"))
    }

    /// Adds `data`: any JSON that helps the client.
    pub fn with_data(self, data: impl Into<Value>) -> Self {
        self.map(|inner| inner.data = Some(data.into()))
    }

    /// Adds `errors`: usually an object from field to message.
    pub fn with_errors(self, errors: impl Into<Value>) -> Self {
        self.map(|inner| inner.errors = Some(errors.into()))
    }

    /// Adds the internal cause, for the log.
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.map(|inner| inner.source = Some(Arc::from(source.into())))
    }

    /// Replaces the code but keeps the name, for the few cases where HTTP has a code that Feathers has no class for.
    pub fn with_code(self, code: u16) -> Self {
        self.map(|inner| inner.code = code)
    }

    /// Says when it is worth to try again: the header `Retry-After` over HTTP, and `retryAfter` in `data` everywhere,
    /// in whole seconds.
    pub fn with_retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        self.with_data(serde_json::json!({ "retryAfter": seconds }))
            .map(|inner| inner.retry_after = Some(Duration::from_secs(seconds)))
    }

    /// Returns when it is worth to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the HTTP-like code.
    pub fn code(&self) -> u16 {
        self.0.code
    }

    /// Returns the class name, such as `NotFound`.
    pub fn name(&self) -> &'static str {
        self.0.kind.name()
    }

    /// Returns the message that clients see.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the extra data, if any.
    pub fn data(&self) -> Option<&Value> {
        self.0.data.as_ref()
    }

    /// Returns the errors by field, if any.
    pub fn errors(&self) -> Option<&Value> {
        self.0.errors.as_ref()
    }

    /// Returns the internal cause, if any.
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// Returns the JSON form.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn map(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name())?;
        map.serialize_entry("message", self.message())?;
        map.serialize_entry("code", &self.code())?;
        map.serialize_entry("className", self.0.kind.class_name())?;
        if let Some(data) = &self.0.data {
            map.serialize_entry("data", data)?;
        }
        if let Some(errors) = &self.0.errors {
            map.serialize_entry("errors", errors)?;
        }
        map.end()
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        (a.kind, a.code, &a.message, &a.data, &a.errors) == (b.kind, b.code, &b.message, &b.data, &b.errors)
    }
}

/// Foreign errors become a 500 with a fixed text. `Error` itself is therefore not a `std::error::Error`;
/// it converts into a boxed one.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(source: E) -> Self {
        Self::internal(source)
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

struct Boxed(Error);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for Boxed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.0.source.as_deref().map(|source| source as _)
    }
}
