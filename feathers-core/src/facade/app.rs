//! What an app is made of: services at their paths, plugins, and the handles that reach them while it runs.
//!
//! [`App::service`](crate::App::service) mounts a service and returns its [`Mount`], which takes hooks and publishers.
//! A service describes itself with a [`Descriptor`]; the macros write it.
//! What its methods take besides id and data they name by type: [`Caller`], [`Route`], and all that is [`FromRequest`].
//! While the app runs, [`AppHandle::service`](crate::AppHandle::service) returns a [`ServiceHandle`], whose methods go
//! through the hooks, and [`AppHandle::typed`](crate::AppHandle::typed) a [`TypedService`], whose methods take and return
//! records.

pub use crate::{
    Access, AccessRecord, AccessRule, Anonymous, Caller, Descriptor, FromId, FromPayload, FromRequest, IntoMount,
    IntoPopulate, Lifecycle, MethodInfo, Mount, Page, Plugin, Populate, RequestParts, Route, ServiceHandle,
    ServiceInfo, TypedService, Write,
};
