//! The caller: the user on whose behalf a call is made.

use std::ops::Deref;

use serde::de::DeserializeOwned;

use crate::call::extract::FromRequest;
use crate::call::service::RequestParts;
use crate::data::error::{Error, Result};

/// The user who calls, as the record that the app's authentication knows, with all fields.
///
/// A method that takes it is for logged-in users: without one it is a 401. `Option<Caller<User>>` is for all callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller<U>(pub U);

impl<U> Deref for Caller<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.0
    }
}

impl<'r, U: DeserializeOwned + 'static> FromRequest<'r> for Caller<U> {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        Option::from_request(request)?.ok_or_else(|| Error::not_authenticated("Not authenticated"))
    }
}

/// The user, or `None` for a caller who is not logged in.
impl<'r, U: DeserializeOwned + 'static> FromRequest<'r> for Option<Caller<U>> {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        let Some(user) = request.app.user(request.params) else { return Ok(None) };
        // The record comes from the app itself, so the caller can do nothing about one that does not fit.
        user.decode().map(|user| Some(Caller(user))).map_err(Error::internal)
    }
}
