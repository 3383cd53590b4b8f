//! Writes: what a service has just changed, reported before anything that comes after it can fail or replace it.

use std::fmt;
use std::sync::Arc;

use crate::call::app::AppHandle;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::data::id::Id;
use crate::data::payload::Payload;

/// A change that a service has just made: what the listeners of [`App::on_write`](crate::App::on_write) get.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Write<'a> {
    /// The path of the service, as it is registered.
    pub path: &'a str,
    /// The method: any but `find` and `get`.
    pub method: &'a Method,
    /// The id; `None` where the call has none.
    pub id: Option<&'a Id>,
    /// The data, as the service got it.
    pub data: &'a Payload,
    /// The parameters, as the service got them.
    pub params: &'a Params,
    /// What the service has answered: the changed record or a list of them, whole, whatever the caller may see of it.
    pub result: &'a Payload,
}

impl fmt::Debug for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Write")
            .field("path", &self.path)
            .field("method", &self.method)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(crate) type WriteListener = Arc<dyn Fn(&Write<'_>, &AppHandle) + Send + Sync>;
