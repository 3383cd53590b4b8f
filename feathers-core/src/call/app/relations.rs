//! Relations of a service: which related records its answers and events have.

mod fetch;
mod in_events;
mod mounting;
mod through;
mod wanted;

use std::sync::Arc;

use serde_json::Value;

use self::fetch::Reader;
pub(crate) use self::in_events::InEvents;
pub use self::mounting::{IntoPopulate, Populate};
use self::through::Filtered;
pub(crate) use self::through::Resolved;
pub(crate) use self::wanted::Wanted;
use crate::call::app::registry::Mounted;
use crate::call::context::Context;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::data::error::{Error, Result};
use crate::data::payload::Payload;
use crate::data::record::{RecordType, RelatedTypes};
use crate::data::schema::{Relation, Schema};

/// How deep related records are populated: those of a record, and those of these.
const DEPTH: usize = 2;
/// How many related records a call from outside may have for one relation, unless it is set otherwise.
const MAX_RELATED: u64 = 10_000;

/// What the mount of a service says of its relations.
pub(crate) struct Spec {
    pub(crate) record: &'static dyn RecordType,
    pub(crate) always: Vec<Populate>,
    pub(crate) allowed: Vec<Populate>,
    /// What clients may filter by, such as `author.email`.
    pub(crate) filtered: Vec<Arc<str>>,
    pub(crate) max: u64,
}

/// The relations that a service populates.
pub(crate) struct Relations {
    record: &'static dyn RecordType,
    branches: Vec<Branch>,
    always: Arc<[Wanted]>,
    filtered: Vec<Filtered>,
    max: u64,
}

/// One relation that may be populated.
#[derive(Clone)]
struct Branch {
    index: usize,
    relation: Relation,
    types: RelatedTypes,
    /// Whether it is in every answer to a client and in every event.
    always: bool,
    /// Whether the mount names it, and not only one inside of it.
    named: bool,
    /// The only fields that it shows.
    select: Option<Arc<[Arc<str>]>>,
    inner: Vec<Self>,
}

/// What the caller has asked for with `$populate`, taken out of the query.
#[derive(Clone)]
struct Asked(Value);

impl Spec {
    pub(crate) fn new(record: &'static dyn RecordType) -> Self {
        Self { record, always: Vec::new(), allowed: Vec::new(), filtered: Vec::new(), max: MAX_RELATED }
    }
}

impl Relations {
    /// Checks what a mount says; every mistake is one text.
    pub(crate) fn new(spec: Spec) -> Result<Self, Vec<String>> {
        let Spec { record, always, allowed, filtered, max } = spec;
        let (mut branches, mut mistakes) = (Vec::new(), Vec::new());
        let all = always.into_iter().map(|populate| (populate, true));
        for (populate, always) in all.chain(allowed.into_iter().map(|populate| (populate, false))) {
            if let Err(mistake) = add(&mut branches, record, &populate, always) {
                mistakes.push(mistake);
            }
        }
        let filtered = filtered.iter().map(|path| Filtered::new(record, path));
        let (filtered, wrong): (Vec<_>, Vec<_>) = filtered.partition(Result::is_ok);
        mistakes.extend(wrong.into_iter().filter_map(Result::err));
        let filtered = filtered.into_iter().filter_map(Result::ok).collect();
        if mistakes.is_empty() {
            let always = wanted::always(&branches).into();
            Ok(Self { record, branches, always, filtered, max })
        } else {
            Err(mistakes)
        }
    }

    /// Finds relations whose services are not there.
    pub(crate) fn check(&self, services: &[Arc<Mounted>], mistakes: &mut Vec<String>) {
        fn look(branches: &[Branch], services: &[Arc<Mounted>], mistakes: &mut Vec<String>) {
            for branch in branches {
                let of = |record: &'static dyn RecordType, path| service_of(services, record, path);
                let related = of(branch.types.record, branch.relation.service);
                let between = branch.types.between.map(|record| of(record, None));
                let found = [Some(related), between].into_iter().flatten();
                mistakes.extend(
                    found
                        .filter_map(Result::err)
                        .map(|error| format!("'{}' cannot be populated: {}", branch.relation.name, error.message())),
                );
                look(&branch.inner, services, mistakes);
            }
        }

        look(&self.branches, services, mistakes);
        for filtered in &self.filtered {
            look(std::slice::from_ref(filtered.branch()), services, mistakes);
        }
    }

    /// Takes `$populate` out of the query, which the service does not know.
    pub(crate) fn take(params: &mut Params) {
        if let Some(asked) = params.query.remove("$populate") {
            params.insert(Asked(asked));
        }
    }

    /// Returns what a call populates, before it is made; what it may not ask for is a 400.
    pub(crate) fn wanted(&self, params: &Params) -> Result<Option<Arc<[Wanted]>>> {
        let is_external = params.is_external();
        let Some(Asked(asked)) = params.get::<Asked>() else {
            return Ok((is_external && !self.always.is_empty()).then(|| self.always.clone()));
        };
        let mut all = if is_external { self.always.to_vec() } else { Vec::new() };
        wanted::read(asked, (self.record, &self.branches), is_external, &mut all)?;
        Ok((!all.is_empty()).then(|| all.into()))
    }

    /// Populates what a method has returned, with what its caller may read.
    ///
    /// What has been changed stays so: where a related service fails then, the answer goes without its records.
    pub(crate) async fn populate(&self, ctx: &Context, result: Payload, wanted: &[Wanted]) -> Result<Payload> {
        let max = if ctx.params.is_external() { self.max } else { u64::MAX };
        let reader = Reader { app: ctx.app(), caller: Some(&ctx.params), max };
        match fetch::populate((self.record, ctx.withheld()), result.clone(), wanted, &reader).await {
            Err(error) if !matches!(ctx.method(), Method::Find | Method::Get) => {
                tracing::error!(path = ctx.path(), ?error, "related records cannot be read");
                Ok(result)
            }
            populated => populated,
        }
    }

    /// Reads the related records of the events of a call.
    pub(crate) async fn for_events(&self, ctx: &Context) -> Option<InEvents> {
        let result = ctx.result.as_ref()?;
        Some(InEvents::read(self.record, result, &self.always, ctx).await)
    }
}

/// Finds the service of records: the one at the path, or the only one.
fn service_of<'a>(
    services: &'a [Arc<Mounted>],
    record: &'static dyn RecordType,
    path: Option<&str>,
) -> Result<&'a Arc<Mounted>> {
    let name = record.schema().name;
    let mut found = services.iter().filter(|mounted| mounted.record() == record.id());
    if let Some(path) = path {
        let path = crate::call::route::strip(path);
        return found
            .find(|mounted| mounted.path() == path)
            .ok_or_else(|| Error::general(format!("no service at '{path}' has records of type {name}")));
    }
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Error::general(format!("no service has records of type {name}"))),
        (Some(one), Some(other)) => Err(Error::general(format!(
            "services '{}' and '{}' have records of type {name}: name one with `service = \"..\"`",
            one.path(),
            other.path()
        ))),
    }
}

/// Adds what a mount says of one relation.
fn add(
    branches: &mut Vec<Branch>,
    record: &'static dyn RecordType,
    populate: &Populate,
    always: bool,
) -> Result<(), String> {
    let parts: Vec<&str> = populate.path.split('.').collect();
    if parts.len() > DEPTH {
        return Err(format!("related records are populated {DEPTH} levels deep, and '{}' is deeper", populate.path));
    }
    let (mut branches, mut record) = (branches, record);
    for (depth, name) in parts.iter().enumerate() {
        let schema = record.schema();
        let known = branches.iter().position(|branch| branch.relation.name == *name);
        if known.is_none() {
            branches.push(Branch::new(record, name).ok_or_else(|| unknown(&schema, name))?);
        }
        let place = known.unwrap_or(branches.len() - 1);
        let Some(branch) = branches.get_mut(place) else { break };
        branch.always |= always;
        if depth + 1 == parts.len() {
            if std::mem::replace(&mut branch.named, true) {
                return Err(format!("'{}' is to be populated twice", populate.path));
            }
            branch.select = select(branch, populate.select.as_deref())?;
            break;
        }
        record = branch.types.record;
        branches = &mut branch.inner;
    }
    Ok(())
}

/// Checks which fields a relation shows; the id is always among them.
fn select(branch: &Branch, names: Option<&[Arc<str>]>) -> Result<Option<Arc<[Arc<str>]>>, String> {
    let Some(names) = names else { return Ok(None) };
    let schema = branch.types.record.schema();
    for name in names {
        if schema.field(name).is_none_or(|field| field.hidden) {
            let known: Vec<_> = schema.fields.iter().filter(|field| !field.hidden).map(|field| field.name).collect();
            let (relation, known) = (branch.relation.name, known.join("', '"));
            return Err(format!("'{relation}' cannot show '{name}': the fields that clients may see are '{known}'"));
        }
    }
    let id = names.iter().all(|name| **name != *schema.id).then(|| Arc::from(schema.id));
    Ok(Some(names.iter().cloned().chain(id).collect()))
}

fn unknown(schema: &Schema, name: &str) -> String {
    let known: Vec<_> = schema.relations.iter().map(|relation| format!("'{}'", relation.name)).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("{} has no relation '{name}'; it has {known}", schema.name)
}

impl Branch {
    /// Makes the branch of a relation; `None` if the record has none of this name.
    fn new(record: &'static dyn RecordType, name: &str) -> Option<Self> {
        let schema = record.schema();
        let index = schema.relation(name)?;
        let (relation, types) = (*schema.relations.get(index)?, record.related(index)?);
        Some(Self { index, relation, types, always: false, named: false, select: None, inner: Vec::new() })
    }
}
