//! Arguments: how the methods of a `#[service]` block get their arguments from a call, and give their result back.

use std::any::Any;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::Payload;

/// A type that a method can take as its id.
///
/// An id that does not fit is a 404: no record can have it.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::app::FromId;
/// use feathers::{Error, Id, Result};
///
/// struct Slug(String);
///
/// impl FromId for Slug {
///     fn from_id(id: &Id) -> Result<Self> {
///         let text = id.to_string();
///         if text.contains(' ') { Err(Error::no_record(id)) } else { Ok(Self(text)) }
///     }
/// }
///
/// assert_eq!(i64::from_id(&Id::from("7")).unwrap(), 7);
/// assert_eq!(i64::from_id(&Id::from("seven")).unwrap_err().code(), 404);
/// assert!(Slug::from_id(&Id::from("no slug")).is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the id of a method",
    label = "not an id type",
    note = "use `Id`, a whole number, `String` or `Uuid`, or implement `FromId` for it"
)]
pub trait FromId: Sized {
    /// Reads the id of a call.
    ///
    /// # Errors
    /// An id that does not fit the type: a 400 or a 404.
    fn from_id(id: &Id) -> Result<Self>;
}

impl FromId for Id {
    fn from_id(id: &Id) -> Result<Self> {
        Ok(id.clone())
    }
}

impl FromId for String {
    fn from_id(id: &Id) -> Result<Self> {
        Ok(id.to_string())
    }
}

impl FromId for Arc<str> {
    fn from_id(id: &Id) -> Result<Self> {
        Ok(match id {
            Id::Text(text) => text.clone(),
            Id::Int(number) => number.to_string().into(),
        })
    }
}

impl FromId for Uuid {
    fn from_id(id: &Id) -> Result<Self> {
        match id {
            Id::Text(text) => text.parse().map_err(|_| Error::no_record(id)),
            Id::Int(_) => Err(Error::no_record(id)),
        }
    }
}

macro_rules! whole_numbers {
    ($($ty:ty)*) => {$(
        impl FromId for $ty {
            fn from_id(id: &Id) -> Result<Self> {
                id.as_int().and_then(|number| number.try_into().ok()).ok_or_else(|| Error::no_record(id))
            }
        }
    )*};
}

whole_numbers!(i64 i32 i16 i8 u64 u32 u16 u8);

/// A type that a method can take as its data: every type that serde reads, and [`Payload`] itself.
///
/// Data that does not fit is a 400.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from the data of a call",
    label = "not readable",
    note = "derive `Deserialize` for it, or take `data: Payload` and look inside yourself"
)]
pub trait FromPayload: Sized {
    /// Reads the data of a call.
    ///
    /// # Errors
    /// Data that does not fit the type: a 400.
    fn from_payload(data: Payload) -> Result<Self>;
}

impl<T: DeserializeOwned + 'static> FromPayload for T {
    fn from_payload(data: Payload) -> Result<Self> {
        data.decode()
    }
}

impl FromPayload for Payload {
    fn from_payload(data: Payload) -> Result<Self> {
        Ok(data)
    }
}

/// Wraps the result of a method; a [`Payload`] is passed through as it is.
pub fn into_payload<T: Serialize + Send + Sync + 'static>(result: T) -> Payload {
    let mut result = Some(result);
    // `Payload` is serialisable too, so no trait can tell the two cases apart on stable Rust. The type id does, and
    // the compiler removes the branch that is not taken.
    let any: &mut dyn Any = &mut result;
    match any.downcast_mut::<Option<Payload>>().and_then(Option::take) {
        Some(payload) => payload,
        None => result.map_or(Payload::NULL, Payload::new),
    }
}

/// Fails for a `patch` or `remove` of all records where the method wants one id.
#[cold]
pub fn one_at_a_time(method: &str) -> Error {
    Error::method_not_allowed(format!("Can not {method} multiple entries"))
}
