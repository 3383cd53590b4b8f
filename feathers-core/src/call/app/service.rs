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
pub struct ResolvedRoute {
    pub(super) mounted: Arc<Mounted>,
    pub(super) params: RouteParams,
    pub(super) id: Option<Id>,
}

impl ResolvedRoute {
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

    /// Leads to a service; a placeholder of its path has no value but a constant one.
    pub(crate) fn to(mounted: &Arc<Mounted>) -> Self {
        let mut params = RouteParams::default();
        for (name, value) in mounted.route_params() {
            params.set(name.clone(), value.clone());
        }
        Self { mounted: mounted.clone(), params, id: None }
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
    ///
    /// # Errors
    /// Those of [`Payload::value`].
    pub fn without_hidden(&self, payload: &Payload) -> Result<Payload> {
        payload.clone().outbound(self.0.hidden())
    }

    /// Tells whether the service has access rules: see [`Mount::access`](crate::Mount::access).
    pub fn has_access(&self) -> bool {
        self.0.access().is_some()
    }

    /// Returns the name of the field that counts the changes of a record, if there is one.
    pub fn version_field(&self) -> Option<&'static str> {
        self.0.version_field()
    }

    /// Returns everything that the service says of itself.
    pub fn descriptor(&self) -> &Descriptor {
        self.0.descriptor()
    }
}

/// Calls a service from inside the server: all hooks run, `params.provider` is `None`.
///
/// Each method has the errors of the service and its hooks, and a call of a method that the service does not have is a
/// 405.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::{App, Document, Memory, Params};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let mut app = App::new();
/// app.service("todos", Memory::<Document>::new().multi(true)).events(["reminder"]);
///
/// let todos = app.start().await?.service("todos")?;
/// todos.create(json!({ "text": "milk" }), ()).await?;
/// todos.create(json!([{ "text": "bread" }, { "text": "tea" }]), ()).await?;
/// todos.update(2, json!({ "text": "rye bread" }), ()).await?;
/// todos.patch(Some(1.into()), json!({ "done": true }), ()).await?;
/// assert_eq!(todos.get(1, ()).await?.value()?, &json!({ "id": 1, "text": "milk", "done": true }));
///
/// // All that match, and not one.
/// todos.remove(None, Params::query(json!({ "done": true }))).await?;
/// assert_eq!(todos.find(()).await?.value()?.as_array().map(Vec::len), Some(2));
///
/// todos.emit("reminder", json!({ "text": "tea" }));
/// assert_eq!(todos.info().path(), "todos");
/// assert_eq!(todos.call("archive", json!({}), ()).await.unwrap_err().code(), 405);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ServiceHandle {
    pub(super) app: AppHandle,
    pub(super) route: ResolvedRoute,
}

impl ServiceHandle {
    /// Lists records.
    ///
    /// # Errors
    /// Those of the service and its hooks.
    pub async fn find(&self, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Find, None, Payload::NULL, params.into()).await
    }

    /// Reads one record.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn get(&self, id: impl Into<Id>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Get, Some(id.into()), Payload::NULL, params.into()).await
    }

    /// Makes one record, or several from a list.
    ///
    /// # Errors
    /// Those of the service and its hooks.
    pub async fn create(&self, data: impl Into<Payload>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Create, None, data.into(), params.into()).await
    }

    /// Replaces one record.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn update(
        &self,
        id: impl Into<Id>,
        data: impl Into<Payload>,
        params: impl Into<Params>,
    ) -> Result<Payload> {
        self.run(Method::Update, Some(id.into()), data.into(), params.into()).await
    }

    /// Changes one record, or all that match the query if the id is `None`.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn patch(
        &self,
        id: impl Into<Option<Id>>,
        data: impl Into<Payload>,
        params: impl Into<Params>,
    ) -> Result<Payload> {
        self.run(Method::Patch, id.into(), data.into(), params.into()).await
    }

    /// Deletes one record, or all that match the query if the id is `None`.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn remove(&self, id: impl Into<Option<Id>>, params: impl Into<Params>) -> Result<Payload> {
        self.run(Method::Remove, id.into(), Payload::NULL, params.into()).await
    }

    /// Calls a custom method.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 405 for a method that it does not have.
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
