//! Services of a running app: where a path leads, what is there, and calls from inside the server.

use std::sync::Arc;

use crate::call::app::registry::Mounted;
use crate::call::app::{AppHandle, Call};
use crate::call::method::Method;
use crate::call::params::{Params, RouteParams};
use crate::call::service::Descriptor;
use crate::data::error::Result;
use crate::data::id::Id;
use crate::data::payload::Payload;

/// Where a path leads: a service, the values of its placeholders and perhaps an id.
#[derive(Clone, Debug)]
pub struct Route {
    pub(super) mounted: Arc<Mounted>,
    pub(super) params: RouteParams,
    pub(super) id: Option<Id>,
}

impl Route {
    /// Returns the path of the service as it is registered.
    pub fn path(&self) -> &str {
        self.mounted.path()
    }

    /// Returns the values of the placeholders.
    pub fn params(&self) -> &RouteParams {
        &self.params
    }

    /// Returns the id that follows the service's path.
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// Tells whether clients may call this method.
    pub fn allows(&self, method: &Method) -> bool {
        self.mounted.external().contains(method)
    }

    /// Returns the methods that clients may call.
    pub fn methods(&self) -> &[Method] {
        self.mounted.external()
    }

    /// Returns the service itself.
    pub fn service(&self) -> ServiceInfo {
        ServiceInfo(self.mounted.clone())
    }

    pub(crate) fn mounted(&self) -> &Arc<Mounted> {
        &self.mounted
    }

    pub(crate) fn into_mounted(self) -> Arc<Mounted> {
        self.mounted
    }
}

/// Describes one mounted service.
#[derive(Clone, Debug)]
pub struct ServiceInfo(pub(super) Arc<Mounted>);

impl ServiceInfo {
    /// Returns the path as it is registered.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Returns the methods that clients may call.
    pub fn methods(&self) -> &[Method] {
        self.0.external()
    }

    /// Returns a record, or several, without the fields that never leave the server; so it looks to clients.
    pub fn without_hidden(&self, payload: &Payload) -> Result<Payload> {
        payload.clone().outbound(self.0.hidden())
    }

    /// Returns everything that the service says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        self.0.descriptor()
    }
}

/// Calls a service from inside the server: all hooks run, `params.provider` is `None`.
#[derive(Clone, Debug)]
pub struct ServiceHandle {
    pub(super) app: AppHandle,
    pub(super) route: Route,
}

impl ServiceHandle {
    /// Lists records.
    pub async fn find(&self, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Find, None, Payload::NULL, params.into()).await
    }

    /// Reads one record.
    pub async fn get(&self, id: impl Into<Id>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Get, Some(id.into()), Payload::NULL, params.into()).await
    }

    /// Makes one record, or several from a list.
    pub async fn create(&self, data: impl Into<Payload>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Create, None, data.into(), params.into()).await
    }

    /// Replaces one record.
    pub async fn update(
        &self,
        id: impl Into<Id>,
        data: impl Into<Payload>,
        params: impl Into<Params>,
    ) -> Result<Payload> {
        self.run(Method::Update, Some(id.into()), data.into(), params.into()).await
    }

    /// Changes one record, or all that match the query if the id is `None`.
    pub async fn patch(
        &self,
        id: impl Into<Option<Id>>,
        data: impl Into<Payload>,
        params: impl Into<Params>,
    ) -> Result<Payload> {
        self.run(Method::Patch, id.into(), data.into(), params.into()).await
    }

    /// Deletes one record, or all that match the query if the id is `None`.
    pub async fn remove(&self, id: impl Into<Option<Id>>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Remove, id.into(), Payload::NULL, params.into()).await
    }

    /// Calls a custom method.
    pub async fn call(&self, method: &str, data: impl Into<Payload>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::named(method), None, data.into(), params.into()).await
    }

    /// Emits a custom event, or a standard one by hand.
    pub fn emit(&self, event: &str, data: impl Into<Payload>) {
        self.app.emit(self.route.mounted(), event, data.into());
    }

    /// Describes the service.
    pub fn info(&self) -> ServiceInfo {
        ServiceInfo(self.route.mounted.clone())
    }

    async fn run(&self, method: Method, id: Option<Id>, data: Payload, params: Params) -> Result<Payload> {
        let call = Call { route: self.route.clone(), method, id, data, params };
        self.app.call(call).await.map(|reply| reply.result)
    }
}
