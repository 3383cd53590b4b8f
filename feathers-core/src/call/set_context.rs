//! What the functions that set fields know of the call, and how their values get into drafts.

use std::fmt;
use std::time::SystemTime;

use crate::call::app::AppHandle;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::call::service::Request;
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::record::Record;

/// The call that sets a field: what a function of `#[service(set = ..)]` gets.
///
/// It is asked once for each new record, also in a list, and where neither a hook nor a call from inside has set the
/// field. It returns the value, an `Option` of it or a `Result` of either; `None` sets nothing.
#[derive(Clone, Copy)]
pub struct SetContext<'a> {
    app: &'a AppHandle,
    path: &'a str,
    method: &'a Method,
    params: &'a Params,
    now: SystemTime,
}

impl<'a> SetContext<'a> {
    pub(crate) fn new(request: &Request<'a>) -> Self {
        let Request { app, path, method, params, .. } = *request;
        Self { app, path, method, params, now: SystemTime::now() }
    }

    /// Returns the app.
    pub fn app(&self) -> &'a AppHandle {
        self.app
    }

    /// Returns the path of the service.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// Returns the method: `create`, `update` or `patch`.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// Returns the parameters of the call.
    pub fn params(&self) -> &'a Params {
        self.params
    }

    /// Returns the instant of the call, the same for all records of a list.
    pub fn now(&self) -> SystemTime {
        self.now
    }

    /// Returns the id of the user of the call; `None` for a call from inside without one.
    ///
    /// # Errors
    /// A call from outside without a user: a 401.
    pub fn user_id(&self) -> Result<Option<Id>> {
        let Some(user) = self.app.user(self.params) else {
            let anonymous = || Error::not_authenticated("Not authenticated");
            return if self.params.is_external() { Err(anonymous()) } else { Ok(None) };
        };
        let user = user.value()?;
        let id = ["id", "_id"].into_iter().find_map(|name| Id::from_json(user.get(name)?).ok().flatten());
        id.map(Some).ok_or_else(|| Error::internal("the user of the call has no id"))
    }
}

impl fmt::Debug for SetContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetContext").field("path", &self.path).field("method", &self.method).finish_non_exhaustive()
    }
}

/// What sets the fields of a record's drafts; the derive makes it.
pub struct Setters<R: Record> {
    /// Sets the fields of a new record, or those that every change sets.
    pub draft: fn(&mut R::Draft, &SetContext<'_>, bool) -> Result<()>,
    /// Sets the fields that every change sets.
    pub patch: fn(&mut R::PatchDraft, &SetContext<'_>) -> Result<()>,
}

impl<R: Record> Setters<R> {
    /// Returns those of a record; `None` where it has no field that is set.
    pub(crate) fn of_record() -> Option<&'static Self> {
        R::setters()?.downcast_ref()
    }
}

impl<R: Record> fmt::Debug for Setters<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setters")
    }
}

/// What a function may return that sets a field of the type `T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot set a field of the type `{T}`",
    label = "not the value of this field",
    note = "a function that sets a field returns its type, an `Option` of it, or a `Result` of either"
)]
pub trait SetValue<T> {
    /// Returns the value; `None` sets nothing.
    fn into_value(self) -> Result<Option<T>>;
}

impl<T> SetValue<T> for T {
    fn into_value(self) -> Result<Option<T>> {
        Ok(Some(self))
    }
}

impl<T> SetValue<T> for Option<T> {
    fn into_value(self) -> Result<Self> {
        Ok(self)
    }
}

impl<T> SetValue<T> for Result<T> {
    fn into_value(self) -> Result<Option<T>> {
        self.map(Some)
    }
}

impl<T> SetValue<T> for Result<Option<T>> {
    fn into_value(self) -> Self {
        self
    }
}
