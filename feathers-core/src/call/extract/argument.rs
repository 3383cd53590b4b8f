//! Arguments by value that may be the data or a type of the app's own: which of the two a type is, the compiler finds.

use crate::call::arguments::FromPayload;
use crate::call::extract::FromRequest;
use crate::call::service::RequestParts;
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::data::type_schema::TypeSchema;

/// Says that an argument is the data of the call.
#[derive(Debug)]
pub struct OfData;

/// Says that an argument is taken from the call.
#[derive(Debug)]
pub struct OfCall;

/// The first argument by value of a custom method; `Via` is which of the two it is, and is always inferred.
#[diagnostic::on_unimplemented(
    message = "a service method cannot take `{Self}`",
    label = "neither data nor what a call has",
    note = "as data, derive `Deserialize` for it, or take `Payload` and look inside yourself",
    note = "from the call, legal are `&AppHandle`, `&Params`, `&Connection`, `Caller<User>` and `Route<T>`, and types for which you implement `FromRequest`"
)]
pub trait Argument<'r, Via>: Sized {
    /// Whether it is the data.
    const IS_DATA: bool;

    /// Takes it.
    ///
    /// # Errors
    /// Data that does not fit, or a call that has no such thing.
    fn take(request: RequestParts<'r>, data: Payload) -> Result<Self>;
}

impl<'r, T: FromPayload> Argument<'r, OfData> for T {
    const IS_DATA: bool = true;

    fn take(_request: RequestParts<'r>, data: Payload) -> Result<Self> {
        T::from_payload(data)
    }
}

impl<'r, T: FromRequest<'r>> Argument<'r, OfCall> for T {
    const IS_DATA: bool = false;

    fn take(request: RequestParts<'r>, _data: Payload) -> Result<Self> {
        T::from_request(request)
    }
}

/// Returns the schema of an argument, if it is the data.
pub fn data_schema<'r, T: Argument<'r, Via>, Via>(schema: impl FnOnce() -> TypeSchema) -> Option<TypeSchema> {
    T::IS_DATA.then(schema)
}
