//! Reading related records: one call of their service for each relation and page, with the rights of the caller.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::call::app::relations::{Asked, Branch, Resolved, Wanted, service_of};
use crate::call::app::{AppHandle, Call, ResolvedRoute};
use crate::call::crud_options::{CrudOptions, KeyedFind};
use crate::call::method::Method;
use crate::call::params::Params;
use crate::data::error::{Error, Result};
use crate::data::field::FieldValue;
use crate::data::payload::Payload;
use crate::data::record::{Fill, Gathered, RecordType, RelatedTypes};
use crate::data::schema::{Many, Relation, RelationKind};
use crate::store::per_key::Key;

/// How many keys one call asks for: a query may hold 10,000 values.
const KEYS: usize = 5_000;

/// Who reads.
pub(super) struct Reader<'a> {
    pub(super) app: &'a AppHandle,
    /// The call whose rights count; without one nobody's do.
    pub(super) caller: Option<&'a Params>,
    /// How many records there may be for one relation.
    pub(super) max: u64,
}

/// Which records of a service are read.
struct Ask<'a> {
    record: &'static dyn RecordType,
    service: Option<&'a str>,
    /// The field that holds one of the keys.
    field: &'a str,
    keys: Vec<FieldValue>,
    /// How many for each key; `None` where there is one.
    many: Option<Many>,
    select: Option<&'a [Arc<str>]>,
    sort: Option<Value>,
    inner: &'a [Wanted],
}

/// What was read: payloads of records, and how many there are for each key where that is told.
struct Answer {
    payloads: Vec<Payload>,
    totals: HashMap<Key, u64>,
}

/// Returns the same records with what is wanted of their relations, and nothing else of them.
///
/// `withheld` are the fields that the caller may not see: a key among them leads nowhere. A payload of something else
/// stays as it is.
pub(super) fn populate<'a>(
    (record, withheld): (&'static dyn RecordType, &'a [Arc<str>]),
    payload: Payload,
    wanted: &'a [Wanted],
    reader: &'a Reader<'a>,
) -> BoxFuture<'a, Result<Payload>> {
    async move {
        let schema = record.schema();
        let mut fills = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let relation = schema.relations.get(wanted.relation).zip(record.related(wanted.relation));
            let Some((relation, types)) = relation else { continue };
            let field = match relation.kind {
                RelationKind::BelongsTo { key } => key,
                RelationKind::HasMany { .. } | RelationKind::Through { .. } => schema.id,
            };
            let keys = schema.index(field).and_then(|field| record.values(&payload, field));
            let Some(mut keys) = keys else { return Ok(payload) };
            if withheld.iter().any(|withheld| **withheld == *field) {
                keys.fill(FieldValue::Null);
            }
            fills.push(fill(relation, types, wanted, &keys, reader).await?);
        }
        Ok(record.filled(&payload, &fills).unwrap_or(payload))
    }
    .boxed()
}

/// Reads one relation of all records with these keys.
async fn fill(
    relation: &Relation,
    types: RelatedTypes,
    wanted: &Wanted,
    keys: &[FieldValue],
    reader: &Reader<'_>,
) -> Result<Fill> {
    let schema = types.record.schema();
    let many = |many: Many| match wanted.limit {
        Some(limit) => many.limit(limit.min(many.limit)),
        None => many,
    };
    let ask = |field, keys, many: Option<Many>| {
        let declared =
            || many.and_then(|many| many.sort).map(|(field, last)| json!({ field: if last { -1 } else { 1 } }));
        Ask {
            record: types.record,
            service: relation.service,
            field,
            keys,
            many,
            select: wanted.select.as_deref(),
            sort: many.and_then(|_| wanted.sort.clone().or_else(declared)),
            inner: &wanted.inner,
        }
    };
    let (relation_name, index) = (relation.name, wanted.relation);
    match relation.kind {
        RelationKind::BelongsTo { .. } => {
            let answer = reader.read(ask(schema.id, distinct(keys), None), relation_name).await?;
            let Gathered { values, found } = gather(types.record, &answer, schema.id)?;
            let places = by_key(&values);
            let of =
                |key: &FieldValue| key_of(key).and_then(|key| places.get(&key)).and_then(|all| all.first().copied());
            let places = keys.iter().map(|key| of(key).into_iter().collect()).collect();
            Ok(Fill { relation: index, found: Arc::new(found), places, totals: None })
        }
        RelationKind::HasMany { key, many: declared } => {
            let many = many(declared);
            let answer = reader.read(ask(key, distinct(keys), Some(many)), relation_name).await?;
            let Gathered { values, found } = gather(types.record, &answer, key)?;
            let places = limited(&by_key(&values), keys, many.limit);
            let totals = many.total.then(|| totals(&answer, keys));
            Ok(Fill { relation: index, found: Arc::new(found), places, totals })
        }
        RelationKind::Through { key, to, many: declared } => {
            let many = many(declared);
            let Some(between) = types.between else { return Err(Error::internal("no record between")) };
            let links = Ask {
                record: between,
                service: None,
                select: None,
                inner: &[],
                ..ask(key, distinct(keys), Some(many))
            };
            let links_answer = reader.read(links, relation_name).await?;
            let ends = |field| values(between, &links_answer, field);
            let (from, to) = (ends(key)?, ends(to)?);
            let answer = reader.read(ask(schema.id, distinct(&to), None), relation_name).await?;
            let Gathered { values, found } = gather(types.record, &answer, schema.id)?;
            let (links, related) = (by_key(&from), by_key(&values));
            let end = |link: &usize| to.get(*link).and_then(key_of).and_then(|key| related.get(&key)?.first().copied());
            let places = limited(&links, keys, many.limit);
            let places = places.iter().map(|links| links.iter().filter_map(end).collect()).collect();
            let totals = many.total.then(|| totals(&links_answer, keys));
            Ok(Fill { relation: index, found: Arc::new(found), places, totals })
        }
    }
}

impl Reader<'_> {
    /// Reads records, and what is wanted inside of them. A service that refuses the caller has none.
    async fn read(&self, ask: Ask<'_>, relation: &str) -> Result<Answer> {
        let mut answer = Answer { payloads: Vec::new(), totals: HashMap::new() };
        if ask.many.is_none() && ask.keys.len() as u64 > self.max {
            return Err(self.too_many(relation));
        }
        let mut count = 0;
        for keys in ask.keys.chunks(KEYS) {
            let per_key = ask.many.map(|many| {
                let most = self.max.saturating_sub(count).saturating_add(1);
                Arc::new(KeyedFind::new(ask.field, many.limit, many.total, most))
            });
            let payload = match self.find(&ask, keys, per_key.clone()).await {
                Ok(payload) => payload,
                Err(error) if matches!(error.code(), 400 | 401 | 403..=405) => continue,
                Err(error) => return Err(error),
            };
            if let Some(per_key) = &per_key {
                let totals = per_key.totals().iter();
                answer.totals.extend(totals.filter_map(|(key, total)| Some((key_of(key)?, *total))));
            }
            count = count.saturating_add(payload.count()? as u64);
            if count > self.max {
                return Err(self.too_many(relation));
            }
            let withheld = if ask.inner.is_empty() { Vec::new() } else { self.withheld(&ask)? };
            answer.payloads.push(populate((ask.record, &withheld), payload, ask.inner, self).await?);
        }
        Ok(answer)
    }

    /// Returns the fields of related records that the caller may not see.
    fn withheld(&self, ask: &Ask<'_>) -> Result<Vec<Arc<str>>> {
        let services = self.app.mounted();
        let mounted = service_of(&services, ask.record, ask.service)?;
        let Some((access, caller)) = mounted.access().zip(self.caller.filter(|caller| caller.has_rules())) else {
            return Ok(Vec::new());
        };
        let rights = access.read_rights(self.app.user(caller).as_ref())?;
        Ok(rights.map_or_else(Vec::new, |rights| rights.hidden.to_vec()))
    }

    async fn find(&self, ask: &Ask<'_>, keys: &[FieldValue], per_key: Option<Arc<KeyedFind>>) -> Result<Payload> {
        let keys: Vec<Value> = keys.iter().map(FieldValue::to_json).collect();
        let mut query = Map::new();
        query.insert(ask.field.to_owned(), json!({ "$in": keys }));
        if let Some(select) = ask.select {
            query.insert("$select".to_owned(), select.iter().map(|name| Value::from(&**name)).collect());
        }
        if let Some(sort) = &ask.sort {
            query.insert("$sort".to_owned(), sort.clone());
        }
        self.call(ask.record, ask.service, query, per_key).await
    }

    async fn call(
        &self,
        record: &'static dyn RecordType,
        service: Option<&str>,
        query: Map<String, Value>,
        per_key: Option<Arc<KeyedFind>>,
    ) -> Result<Payload> {
        let services = self.app.mounted();
        let mounted = service_of(&services, record, service)?;
        if self.caller.is_none() && mounted.access().is_some() {
            return Err(Error::forbidden("its rules are asked for nobody"));
        }
        let mut params = self.caller.map_or_else(Params::new, Params::as_caller);
        params.remove::<Asked>();
        params.remove::<Resolved>();
        params.query = query;
        params.insert(CrudOptions { per_key, ..CrudOptions::unpaginated() });
        let route = ResolvedRoute::to(mounted);
        let call = Call { route, method: Method::Find, id: None, data: Payload::NULL, params };
        Ok(self.app.call(call).await?.result)
    }

    /// Returns the values of a field of the records that match a query; a service that refuses the caller has none.
    pub(super) async fn keys(
        &self,
        branch: &Branch,
        mut query: Map<String, Value>,
        field: &str,
    ) -> Result<Vec<FieldValue>> {
        let record = branch.types.record;
        query.insert("$select".to_owned(), json!([field]));
        let payload = match self.call(record, branch.relation.service, query, None).await {
            Ok(payload) => payload,
            Err(error) if matches!(error.code(), 401 | 403..=405) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let answer = Answer { payloads: vec![payload], totals: HashMap::new() };
        values(record, &answer, field)
    }

    #[cold]
    fn too_many(&self, relation: &str) -> Error {
        let max = self.max;
        Error::bad_request(format!("'{relation}' has more than {max} related records here: ask for less with $limit"))
    }
}

fn key_of(value: &FieldValue) -> Option<Key> {
    Key::of(&value.borrowed())
}

/// Returns each key once, in the order in which they come.
pub(super) fn distinct(keys: &[FieldValue]) -> Vec<FieldValue> {
    let mut seen = HashSet::with_capacity(keys.len());
    keys.iter().filter(|key| key_of(key).is_some_and(|key| seen.insert(key))).cloned().collect()
}

/// Returns where the records of each key are.
fn by_key(values: &[FieldValue]) -> HashMap<Key, Vec<usize>> {
    let mut places: HashMap<Key, Vec<usize>> = HashMap::with_capacity(values.len());
    for (place, value) in values.iter().enumerate() {
        if let Some(key) = key_of(value) {
            places.entry(key).or_default().push(place);
        }
    }
    places
}

/// Returns for each key where its records are, as many as it may have.
fn limited(places: &HashMap<Key, Vec<usize>>, keys: &[FieldValue], limit: u64) -> Vec<Vec<usize>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let of = |key: &FieldValue| key_of(key).and_then(|key| places.get(&key));
    keys.iter().map(|key| of(key).into_iter().flatten().copied().take(limit).collect()).collect()
}

fn totals(answer: &Answer, keys: &[FieldValue]) -> Vec<u64> {
    let of = |key: &FieldValue| key_of(key).and_then(|key| answer.totals.get(&key).copied());
    keys.iter().map(|key| of(key).unwrap_or_default()).collect()
}

fn gather(record: &'static dyn RecordType, answer: &Answer, field: &str) -> Result<Gathered> {
    record.gather(&answer.payloads, index(record, field)?)
}

/// Returns the value of a field of each record.
fn values(record: &'static dyn RecordType, answer: &Answer, field: &str) -> Result<Vec<FieldValue>> {
    Ok(record.gather(&answer.payloads, index(record, field)?)?.values)
}

fn index(record: &'static dyn RecordType, field: &str) -> Result<usize> {
    let schema = record.schema();
    schema.index(field).ok_or_else(|| Error::internal(format!("{} has no field '{field}'", schema.name)))
}
