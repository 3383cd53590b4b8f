//! Services: the one thing that dispatch sees.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::call::app::AppHandle;
use crate::call::crud_options::Multi;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::rights::CallRights;
use crate::data::schema::Schema;
use crate::data::type_schema::TypeSchema;
use crate::event::store_id::StoreId;
use crate::store::StoreContext;

/// Answers calls.
///
/// `#[derive(Service)]` on a record with a store, and `#[service]` on an impl block, write this for you.
/// Written by hand, the descriptor lists exactly the methods that [`Service::call`] answers: dispatch never calls
/// another one.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::app::Descriptor;
/// use feathers::{Method, Payload, Request, Result, Service, async_trait};
///
/// struct Clock;
///
/// #[async_trait]
/// impl Service for Clock {
///     type Record = ();
///
///     fn descriptor(&self) -> Descriptor {
///         Descriptor::new([Method::Find])
///     }
///
///     async fn call(&self, _request: Request<'_>) -> Result<Payload> {
///         Ok(Payload::new("half past nine"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "put `#[service]` on an impl block with its methods, or serve a store such as `Memory::<Todo>::new()`"
)]
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// The type of the records, `()` where there are none. [`Mount`](crate::Mount) has methods that use it.
    type Record: 'static
    where
        Self: Sized;

    /// Describes the service; asked once, when it is mounted.
    fn descriptor(&self) -> Descriptor;

    /// Answers one call of a method in the descriptor.
    async fn call(&self, request: Request<'_>) -> Result<Payload>;

    /// Checks a call without making it: whether the service would take its data and query, and knows the record.
    ///
    /// Hooks ask it before work that costs much, by [`Context::check`](crate::Context::check). It may be asked in vain,
    /// and says nothing of what the call will find later; by default it refuses nothing.
    async fn check(&self, _request: Request<'_>) -> Result<()> {
        Ok(())
    }

    /// Runs before the first call, in the order of mounting; an error stops the start.
    async fn setup(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        Ok(())
    }

    /// Runs after the last call, on shutdown and when the service is unmounted.
    async fn teardown(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        Ok(())
    }
}

/// One call as the service gets it, after the hooks.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The app, for calls to other services.
    pub app: &'a AppHandle,
    /// The path that the service is mounted at.
    pub path: &'a str,
    /// The method.
    pub method: &'a Method,
    /// The id; `None` in `patch` and `remove` means all that match.
    pub id: Option<Id>,
    /// The data; `null` where there is none.
    pub data: Payload,
    /// Everything else.
    pub params: &'a Params,
    /// What a store that the service calls is told of the call.
    pub store: StoreContext<'a>,
    sent: Option<&'a Payload>,
    rights: Option<&'a CallRights>,
}

/// A call without its id and data: what [`FromRequest`](crate::FromRequest) takes arguments of methods from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RequestParts<'a> {
    /// The app, for calls to other services.
    pub app: &'a AppHandle,
    /// The path that the service is mounted at.
    pub path: &'a str,
    /// The method.
    pub method: &'a Method,
    /// Query, headers, connection.
    pub params: &'a Params,
}

impl Request<'_> {
    /// Returns the id of a method that needs one.
    ///
    /// # Errors
    /// There is no id: a 400.
    pub fn require_id(&self) -> Result<Id> {
        self.id.clone().ok_or_else(|| Error::bad_request(format!("id for '{}' can not be undefined", self.method)))
    }

    /// Fails for a method that the service does not have; dispatch never lets it come to this.
    ///
    /// # Errors
    /// Always: a 405.
    pub fn unknown_method<T>(&self) -> Result<T> {
        Err(Error::method_not_allowed(format!("Method '{}' not allowed on service '{}'", self.method, self.path)))
    }
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        app: &'a AppHandle,
        path: &'a str,
        method: &'a Method,
        id: Option<Id>,
        data: Payload,
        params: &'a Params,
        store: StoreContext<'a>,
    ) -> Self {
        Self { app, path, method, id, data, params, store, sent: None, rights: None }
    }

    /// Returns the call without its id and data.
    pub fn parts(&self) -> RequestParts<'a> {
        RequestParts { app: self.app, path: self.path, method: self.method, params: self.params }
    }

    /// Notes what the client has sent, before hooks changed it.
    pub(crate) fn with_sent(mut self, sent: Option<&'a Payload>) -> Self {
        self.sent = sent;
        self
    }

    /// Sets what the caller may do.
    pub(crate) fn with_rights(mut self, rights: Option<&'a CallRights>) -> Self {
        self.rights = rights;
        self
    }

    /// Returns what the caller may do, where the service has access rules and they count for the call.
    pub(crate) fn rights(&self) -> Option<&'a CallRights> {
        self.rights
    }

    /// Returns what the client has sent, where the service may have fields that only the server sets.
    pub(crate) fn sent(&self) -> Option<&'a Payload> {
        self.sent
    }
}

/// What a service is: its methods, its custom events, its records.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Descriptor {
    /// The methods that are written.
    pub methods: Vec<MethodInfo>,
    /// The custom events.
    pub events: Vec<Arc<str>>,
    /// The schema of the records, where there is one.
    pub schema: Option<Schema>,
    /// Which methods may be called without an id, where it is known before the call. An `update` never may then.
    pub multi: Option<Multi>,
    /// The doc comment.
    pub docs: Arc<str>,
    /// What is wrong with the way it is set up; each stops the start.
    pub mistakes: Vec<String>,
    /// Whether the records live in the memory of the process and are gone with it.
    pub volatile: bool,
    /// Whether the store of the records asks for the check of a commit, which rules for changes need.
    pub checks_commits: bool,
    /// By what commits know the store of the records, if calls for other stores can change them.
    pub store: Option<StoreId>,
}

/// One method of a service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MethodInfo {
    /// The method.
    pub method: Method,
    /// The doc comment.
    pub docs: Arc<str>,
    /// The type of the data; `None` where the method takes none.
    pub data: Option<TypeSchema>,
    /// The type of the result.
    pub result: TypeSchema,
    /// Whether the method keeps the access rules itself, as those of a store do.
    pub keeps_access: bool,
}

impl MethodInfo {
    /// Describes a method, the types of whose data and result are not known.
    pub fn new(method: impl Into<Method>, docs: impl Into<Arc<str>>) -> Self {
        let method = method.into();
        let data = method.has_data().then_some(TypeSchema::Unknown);
        Self { method, docs: docs.into(), data, result: TypeSchema::Unknown, keeps_access: false }
    }

    /// Sets the type of the data; `None` says that the method takes none.
    pub fn data(mut self, data: impl Into<Option<TypeSchema>>) -> Self {
        self.data = data.into();
        self
    }

    /// Says that the method keeps the access rules itself, as those of a store do.
    pub(crate) fn keeping_access(mut self) -> Self {
        self.keeps_access = true;
        self
    }

    /// Sets the type of the result.
    pub fn result(mut self, result: TypeSchema) -> Self {
        self.result = result;
        self
    }
}

impl Descriptor {
    /// Describes a service with these methods.
    pub fn new(methods: impl IntoIterator<Item = Method>) -> Self {
        Self { methods: methods.into_iter().map(|method| MethodInfo::new(method, "")).collect(), ..Self::default() }
    }

    /// Adds a method.
    pub fn method(self, method: impl Into<Method>, docs: impl Into<Arc<str>>) -> Self {
        self.describe(MethodInfo::new(method, docs))
    }

    /// Adds a method with what is known of its types.
    pub fn describe(mut self, method: MethodInfo) -> Self {
        self.methods.push(method);
        self
    }

    /// Adds custom events.
    pub fn events<E: Into<Arc<str>>>(mut self, events: impl IntoIterator<Item = E>) -> Self {
        self.events.extend(events.into_iter().map(Into::into));
        self
    }

    /// Sets the schema of the records.
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Adds something that is wrong with the way it is set up.
    pub fn mistake(mut self, mistake: impl Into<String>) -> Self {
        self.mistakes.push(mistake.into());
        self
    }

    /// Says which methods may be called without an id.
    pub fn multi(mut self, multi: Multi) -> Self {
        self.multi = Some(multi);
        self
    }

    /// Sets by what commits know the store of the records.
    pub fn store(mut self, store: Option<StoreId>) -> Self {
        self.store = store;
        self
    }

    /// Says that the records live in the memory of the process and are gone with it.
    pub fn volatile(mut self, volatile: bool) -> Self {
        self.volatile = volatile;
        self
    }

    /// Says whether the store of the records asks for the check of a commit.
    pub(crate) fn checks_commits(mut self, checks: bool) -> Self {
        self.checks_commits = checks;
        self
    }

    /// Sets the description.
    pub fn docs(mut self, docs: impl Into<Arc<str>>) -> Self {
        self.docs = docs.into();
        self
    }

    /// Returns what is known of a method; `None` where it is not written.
    pub fn info(&self, method: &Method) -> Option<&MethodInfo> {
        self.methods.iter().find(|info| info.method == *method)
    }

    /// Tells whether a method is written.
    pub fn has(&self, method: &Method) -> bool {
        self.info(method).is_some()
    }
}

impl fmt::Debug for dyn Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("descriptor", &self.descriptor()).finish()
    }
}
