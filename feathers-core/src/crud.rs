//! Crud: the service that serves any store, with pagination, multi, validation and masks.

mod access;
mod computed;
mod memory;
mod memory_database;
mod related;
mod set;
mod validate;
mod version;

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

pub use self::memory::Memory;
pub use self::memory_database::MemoryDatabase;
use crate::call::app::{AppHandle, Resolved};
use crate::call::crud_options::{CrudOptions, Multi};
use crate::call::method::Method;
use crate::call::service::{Descriptor, MethodInfo, Request, Service};
use crate::data::error::{Error, Result};
use crate::data::guard;
use crate::data::id::Id;
use crate::data::mask::{FieldMask, View};
use crate::data::payload::Payload;
use crate::data::query::{Caller, FindResult, Paginate, Query, QueryOptions};
use crate::data::record::Record;
use crate::data::type_schema::TypeSchema;
use crate::event::provider::Provider;
use crate::store::Store;

/// The most records that an unpaginated find from outside returns, unless it is set otherwise.
const MAX_UNPAGINATED: u64 = 10_000;

/// Serves a store as a service with the six standard methods.
///
#[doc = include_str!("crud/crud.md")]
#[derive(Clone, Debug)]
#[must_use = "a service does nothing before it is mounted on an app"]
pub struct Crud<S> {
    store: Arc<S>,
    query: QueryOptions,
    multi: Multi,
    /// Whether clients may choose the ids of new records.
    client_ids: bool,
    max_unpaginated: u64,
    /// Whether the records have neither hidden fields nor any in which another record could stand.
    is_plain: bool,
    /// Extra operators that the store does not know.
    unknown_operators: BTreeSet<Arc<str>>,
}

/// Returns who asks. Over REST every value is a text, so that one for a JSON field also stands for the number or boolean
/// that it is the text of.
fn caller<'a>(request: &Request<'a>) -> Caller<'a> {
    let params = request.params;
    let writes_texts = params.provider == Some(Provider::REST);
    let (withheld, through) = (access::withheld(request), Resolved::of(params));
    Caller { external: params.is_external(), writes_texts, withheld, through }
}

/// The data of new records.
struct New<S: Store> {
    data: Vec<<S::Record as Record>::Draft>,
    /// Whether the answer is a list.
    several: bool,
}

impl<S: Store> Crud<S> {
    /// Serves a store without pagination and without changing several records at once.
    pub fn with_store(store: S) -> Self {
        let schema = store.schema();
        guard::know(schema);
        let is_simple = schema.fields.iter().all(|field| !field.hidden && !field.data_type.may_hold_record());
        let is_plain =
            is_simple && !schema.open && schema.relations.is_empty() && guard::writes_its_schema::<S::Record>();
        Self {
            query: QueryOptions {
                known: store.operators().iter().map(|name| (*name).into()).collect(),
                ..Default::default()
            },
            store: Arc::new(store),
            multi: Multi::None,
            client_ids: false,
            max_unpaginated: MAX_UNPAGINATED,
            is_plain,
            unknown_operators: BTreeSet::new(),
        }
    }

    /// Describes a method for one record; what may be done with several is in the descriptor.
    fn describe(&self, method: Method) -> MethodInfo {
        let schema = self.store.schema().clone();
        let record = TypeSchema::Record(schema.clone());
        let (data, result) = match method {
            Method::Find if self.query.paginate.is_some() => (None, record.page()),
            Method::Find => (None, record.list()),
            Method::Create | Method::Update => (Some(TypeSchema::Data(schema)), record),
            Method::Patch => (Some(TypeSchema::Patch(schema)), record),
            Method::Get | Method::Remove | Method::Custom(_) => (None, record),
        };
        MethodInfo::new(method, "").data(data).result(result).keeping_access()
    }

    /// Returns the store.
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// Turns pagination on.
    pub fn paginate(mut self, paginate: Paginate) -> Self {
        self.query.paginate = Some(paginate);
        self
    }

    /// Lets methods change several records at once.
    pub fn multi(mut self, multi: impl Into<Multi>) -> Self {
        self.multi = multi.into();
        self
    }

    /// Lets clients choose the ids of new records; otherwise an id from a client is a 400, and `null` is none.
    ///
    /// Off by default: a client that chooses ids finds out which ones exist, and takes those that others will use.
    pub fn client_ids(mut self, allowed: bool) -> Self {
        self.client_ids = allowed;
        self
    }

    /// Allows extra operators. One that the store does not know is an error at the start.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// use feathers::store::{Crud, Store};
    ///
    /// fn with_text_search<S: Store>(store: S) -> Crud<S> {
    ///     Crud::with_store(store).operators(["$like"])
    /// }
    /// ```
    pub fn operators<O: Into<Arc<str>>>(mut self, operators: impl IntoIterator<Item = O>) -> Self {
        for operator in operators.into_iter().map(Into::into) {
            let known = self.query.known.contains(&operator) || Query::OPERATORS.contains(&&*operator);
            if known { &mut self.query.operators } else { &mut self.unknown_operators }.insert(operator);
        }
        self
    }

    /// Allows extra top-level filters, such as `$populate`; hooks read them from `params.query`.
    pub fn filters<F: Into<Arc<str>>>(mut self, filters: impl IntoIterator<Item = F>) -> Self {
        self.query.filters.extend(filters.into_iter().map(Into::into).collect::<BTreeSet<_>>());
        self
    }

    /// Sets how many records an unpaginated find from outside may return; more are a 400 that says so.
    pub fn max_unpaginated(mut self, records: u64) -> Self {
        self.max_unpaginated = records;
        self
    }

    /// Sets what the condition of a call from outside may cost, instead of 1,000 comparisons for each record; more is a
    /// 400 that says so. What counts how much is said at [`Filter::cost`](crate::Filter::cost).
    pub fn max_cost(mut self, comparisons: u64) -> Self {
        self.query.max_cost = comparisons;
        self
    }

    /// Parses the query of a call, narrowed to what its caller may read.
    fn parse(&self, request: &Request<'_>, paginate: Option<Paginate>) -> Result<Query> {
        let (schema, caller) = (self.store.schema(), caller(request));
        let mut query = if paginate == self.query.paginate {
            Query::parse_for(&request.params.query, schema, &self.query, caller)?
        } else {
            let options = QueryOptions { paginate, ..self.query.clone() };
            Query::parse_for(&request.params.query, schema, &options, caller)?
        };
        access::narrow(&mut query, request);
        Ok(query)
    }

    /// Parses the query of a call that changes or reads single records: pagination does not count.
    fn parse_filter(&self, request: &Request<'_>) -> Result<Query> {
        if request.params.query.is_empty() {
            let mut query = Query::default();
            access::narrow(&mut query, request);
            return Ok(query);
        }
        let mut query = self.parse(request, None)?;
        (query.limit, query.skip) = (None, 0);
        Ok(query)
    }

    /// Returns which fields the caller gets: what is selected, and the id always.
    fn view(&self, select: Option<&[Arc<str>]>) -> View {
        let id = self.store.schema().id;
        let only = |select: &[Arc<str>]| FieldMask::Only(select.iter().cloned().chain([id.into()]).collect());
        View::of_records(select.map_or(FieldMask::All, only), self.is_plain)
    }

    /// `create` never checks the query but for `$select`.
    fn select_only(request: &Request<'_>) -> Result<Option<Vec<Arc<str>>>> {
        let Some(select) = request.params.query.get("$select").and_then(Value::as_array) else { return Ok(None) };
        Query::check_select(select)?;
        Ok(Some(select.iter().filter_map(Value::as_str).map(Into::into).collect()))
    }

    async fn find(&self, request: &Request<'_>) -> Result<Payload> {
        let params = request.params;
        let options = params.get::<CrudOptions>();
        let paginate = options.and_then(|options| options.paginate).unwrap_or(self.query.paginate);
        let mut query = self.parse(request, paginate)?;
        version::expect(&mut query, self.store.schema(), None)?;
        if let Some(asked) = options.and_then(|options| options.per_key.as_deref()) {
            return self.find_keyed(&query, asked, request).await;
        }
        query.count = paginate.is_some();
        let bounded = params.is_external() && paginate.is_none();
        if bounded && query.limit.is_none_or(|limit| limit > self.max_unpaginated) {
            query.limit = Some(self.max_unpaginated.saturating_add(1));
        }
        let FindResult { records, total } = self.store.find(&query, &request.store).await?;
        if bounded && records.len() as u64 > self.max_unpaginated {
            return Err(Error::bad_request(format!(
                "more than {} records match: use $limit, or turn on pagination",
                self.max_unpaginated
            )));
        }
        let records = computed::fill_all(records);
        let view = self.view(query.select.as_deref());
        Ok(match paginate {
            Some(_) => Payload::page_of(records, view, total.unwrap_or_default(), query.limit, query.skip),
            None => Payload::many(records, view),
        })
    }

    async fn get(&self, request: &Request<'_>) -> Result<Payload> {
        let id = request.id.as_ref().ok_or_else(|| Error::no_record("undefined"))?;
        let mut query = self.parse_filter(request)?;
        let expected = version::expect(&mut query, self.store.schema(), Some(id))?;
        match self.store.get(id, &query, &request.store).await? {
            Some(record) => Ok(self.one(record, &query)),
            None => Err(self.missing(id, expected, request).await),
        }
    }

    async fn create(&self, request: &Request<'_>) -> Result<Payload> {
        let select = Self::select_only(request)?;
        let view = self.view(select.as_deref());
        let New { mut data, several } = self.new_data(request)?;
        Self::set(&mut data, request, true)?;
        let mut records = if data.is_empty() { Vec::new() } else { self.store.create(data, &request.store).await? };
        if several {
            return Ok(Payload::many(computed::fill_all(records), view));
        }
        Ok(records.pop().map_or(Payload::NULL, |record| Payload::one(computed::fill(record), view)))
    }

    fn new_data(&self, request: &Request<'_>) -> Result<New<S>> {
        access::check_sent(request, self.store.schema())?;
        version::refuse_new(request, self.store.schema())?;
        let read = |item: &Payload| self.data(item, validate::Mode::Create, request);
        let Some(items) = request.data.items()? else {
            return Ok(New { data: vec![read(&request.data)?], several: false });
        };
        self.check_multi(request)?;
        Ok(New { data: items.iter().map(read).collect::<Result<_>>()?, several: true })
    }

    async fn update(&self, request: &Request<'_>) -> Result<Payload> {
        let (id, mut query) = self.replaced(request)?;
        let expected = version::expect(&mut query, self.store.schema(), Some(id))?;
        let record = if access::withheld(request).is_empty() {
            let mut data = self.data(&request.data, validate::Mode::Update, request)?;
            Self::set(slice::from_mut(&mut data), request, false)?;
            self.store.update(id, data, &query, &request.store).await?
        } else {
            self.update_visible(id, &query, request).await?
        };
        match record {
            Some(record) => Ok(self.one(record, &query)),
            None => Err(self.missing(id, expected, request).await),
        }
    }

    fn replaced<'a>(&self, request: &'a Request<'_>) -> Result<(&'a Id, Query)> {
        let id = match &request.id {
            Some(id) if !request.data.is_array() => id,
            _ => {
                return Err(Error::bad_request("You can not replace multiple instances. Did you mean 'patch'?"));
            }
        };
        access::check_sent(request, self.store.schema())?;
        Ok((id, self.parse_filter(request)?))
    }

    async fn patch(&self, request: &Request<'_>) -> Result<Payload> {
        let (mut query, mut patch) = self.changes(request)?;
        let expected = version::expect(&mut query, self.store.schema(), request.id.as_ref())?;
        Self::set_patch(&mut patch, request)?;
        let records = self.store.patch(request.id.as_ref(), patch, &query, &request.store).await?;
        self.one_or_many(records, &query, expected, request).await
    }

    fn changes(&self, request: &Request<'_>) -> Result<(Query, <S::Record as Record>::PatchDraft)> {
        if request.id.is_none() {
            self.check_multi(request)?;
        }
        access::check_sent(request, self.store.schema())?;
        let query = self.parse_filter(request)?;
        let patch = validate::patch::<S::Record>(&request.data, self.store.schema(), request.sent())?;
        Ok((query, patch))
    }

    /// Checks the call as far as that is possible without a change.
    async fn rehearse(&self, request: &Request<'_>) -> Result<()> {
        let (id, mut query) = match request.method {
            Method::Create => return self.new_data(request).map(drop),
            Method::Update => {
                let (id, query) = self.replaced(request)?;
                if access::withheld(request).is_empty() {
                    self.data(&request.data, validate::Mode::Update, request)?;
                }
                (Some(id), query)
            }
            Method::Patch => (request.id.as_ref(), self.changes(request)?.0),
            Method::Remove if request.rights().is_some() => (request.id.as_ref(), self.parse_filter(request)?),
            _ => return Ok(()),
        };
        let expected = version::expect(&mut query, self.store.schema(), id)?;
        let Some(id) = id else { return Ok(()) };
        match self.store.get(id, &query, &request.store).await? {
            Some(record) => access::check_before(&*record, request),
            None => Err(self.missing(id, expected, request).await),
        }
    }

    async fn remove(&self, request: &Request<'_>) -> Result<Payload> {
        if request.id.is_none() {
            self.check_multi(request)?;
        }
        let mut query = self.parse_filter(request)?;
        let expected = version::expect(&mut query, self.store.schema(), request.id.as_ref())?;
        let records = self.store.remove(request.id.as_ref(), &query, &request.store).await?;
        self.one_or_many(records, &query, expected, request).await
    }

    fn data(
        &self,
        payload: &Payload,
        mode: validate::Mode,
        request: &Request<'_>,
    ) -> Result<<S::Record as Record>::Draft> {
        let choose_id = !request.params.is_external() || self.client_ids;
        let rights = validate::Rights { sent: request.sent(), choose_id };
        validate::data::<S::Record>(payload, self.store.schema(), mode, rights)
    }

    fn one(&self, record: Arc<S::Record>, query: &Query) -> Payload {
        Payload::one(computed::fill(record), self.view(query.select.as_deref()))
    }

    async fn one_or_many(
        &self,
        mut records: Vec<Arc<S::Record>>,
        query: &Query,
        expected: Option<version::Expected>,
        request: &Request<'_>,
    ) -> Result<Payload> {
        match (&request.id, records.pop()) {
            (Some(_), Some(record)) => Ok(self.one(record, query)),
            (Some(id), None) => Err(self.missing(id, expected, request).await),
            (None, last) => {
                records.extend(last);
                Ok(Payload::many(computed::fill_all(records), self.view(query.select.as_deref())))
            }
        }
    }

    fn check_multi(&self, request: &Request<'_>) -> Result<()> {
        let own = request.params.get::<CrudOptions>().and_then(|options| options.multi.as_ref());
        if own.unwrap_or(&self.multi).allows(request.method) {
            return Ok(());
        }
        Err(Error::method_not_allowed(format!("Can not {} multiple entries", request.method)))
    }
}

#[async_trait]
impl<S: Store> Service for Crud<S> {
    type Record = S::Record;

    fn descriptor(&self) -> Descriptor {
        let schema = self.store.schema().clone();
        let methods = Method::STANDARD.into_iter().map(|method| self.describe(method));
        let descriptor = methods.fold(Descriptor::default(), Descriptor::describe).docs(schema.docs).schema(schema);
        let descriptor = descriptor.multi(self.multi.clone()).volatile(self.store.is_volatile());
        let descriptor = descriptor.checks_commits(self.store.checks_commits());
        let descriptor = descriptor.store(self.store.store_id());
        let descriptor = self.store.mistakes().into_iter().fold(descriptor, Descriptor::mistake);
        self.unknown_operators.iter().fold(descriptor, |descriptor, operator| {
            let known: Vec<_> = self.query.known.iter().map(|known| format!("'{known}'")).collect();
            let known = if known.is_empty() { "no extra ones".to_owned() } else { known.join(", ") };
            descriptor.mistake(format!("it allows '{operator}', but its store knows {known}"))
        })
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        request.params.check()?;
        match request.method {
            Method::Find => self.find(&request).await,
            Method::Get => self.get(&request).await,
            Method::Create => self.create(&request).await,
            Method::Update => self.update(&request).await,
            Method::Patch => self.patch(&request).await,
            Method::Remove => self.remove(&request).await,
            Method::Custom(_) => request.unknown_method(),
        }
    }

    async fn check(&self, request: Request<'_>) -> Result<()> {
        self.rehearse(&request).await
    }

    async fn teardown(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        self.store.close().await
    }
}
