//! From the untyped query to the typed one: the part that all schemas have in common.
//!
//! Page, `$select` and extra filters are read here; conditions and `$sort` by the kind of schema, in `open` and
//! `typed`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::data::error::{Error, Result};
use crate::data::query::{Filter, Order, Paginate, Query, QueryOptions, Through, open, through, typed};
use crate::data::schema::Schema;

/// How deep `$or`, `$and` and the values in them may be nested.
const MAX_DEPTH: usize = 20;
/// How many values a query may hold.
const MAX_VALUES: usize = 10_000;
/// By how many fields a query may sort.
const MAX_SORT: usize = 32;
/// How many fields a query may select.
const MAX_SELECT: usize = 1_000;

pub(super) fn parse(
    raw: &Map<String, Value>,
    schema: &Schema,
    options: &QueryOptions,
    caller: Caller<'_>,
) -> Result<Query> {
    let mut query = Query { limit: limit(None, options.paginate), ..Query::default() };
    if raw.is_empty() {
        return Ok(query);
    }
    check_size(raw)?;
    let scope = Scope { schema, options, caller };
    let mut filters = Vec::new();
    for (name, value) in raw {
        match name.as_str() {
            "$limit" => {
                let wanted = page_number(name, value, schema)?;
                query.limit = limit(wanted, options.paginate);
            }
            "$skip" => {
                let wanted = page_number(name, value, schema)?;
                query.skip = wanted.and_then(|number| u64::try_from(number).ok()).unwrap_or(0);
            }
            "$sort" => {
                if value.as_object().is_some_and(|fields| fields.len() > MAX_SORT) {
                    return Err(Error::bad_request(format!("$sort has more than {MAX_SORT} fields")));
                }
                query.sort = if schema.open { open::sort(value, &scope)? } else { typed::sort(value, &scope)? };
            }
            "$select" => {
                check_select(value.as_array().map_or(&[], Vec::as_slice))?;
                query.select = if schema.open { open::select(value)? } else { typed::select(value, &scope)? };
            }
            "$version" if schema.version().is_some() => query.version = Some(typed::versions(value)?),
            name if options.filters.contains(name) => {
                query.extra.insert(name.to_owned(), value.clone());
            }
            _ if schema.open => filters.push(open::top_level(name, value, &scope)?),
            _ => typed::condition(name, value, &scope, &typed::Place::Root, &mut filters)?,
        }
    }
    query.filter = all(filters);
    // Calls from inside know what they ask for.
    if caller.external {
        check_cost(&query.filter, options.max_cost.saturating_add(through::cost(caller.through)))?;
    }
    Ok(query)
}

fn page_number(name: &str, value: &Value, schema: &Schema) -> Result<Option<i64>> {
    if schema.open { open::page_number(name, value) } else { typed::page_number(name, value) }
}

/// Refuses more names than a record has any use for.
pub(super) fn check_select(names: &[Value]) -> Result<()> {
    if names.len() > MAX_SELECT {
        return Err(Error::bad_request(format!("$select has more than {MAX_SELECT} fields")));
    }
    Ok(())
}

fn check_cost(filter: &Filter, most: u64) -> Result<()> {
    let cost = filter.cost();
    if cost > most {
        return Err(Error::bad_request(format!("Query compares with {cost} values, and may compare with {most}")));
    }
    Ok(())
}

/// Whose query it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caller<'a> {
    /// Whether it is a client, to which hidden fields do not exist.
    pub(crate) external: bool,
    /// Whether it can write nothing but texts.
    pub(crate) writes_texts: bool,
    /// The fields that do not exist for it, besides hidden ones.
    pub(crate) withheld: &'a [Arc<str>],
    /// What conditions through relations have become.
    pub(crate) through: &'a [Through],
}

/// What a query is read by.
pub(super) struct Scope<'a> {
    pub(super) schema: &'a Schema,
    pub(super) options: &'a QueryOptions,
    pub(super) caller: Caller<'a>,
}

impl Scope<'_> {
    /// Tells whether a field exists for the caller as far as access rules go.
    pub(super) fn is_withheld(&self, name: &str) -> bool {
        self.caller.withheld.iter().any(|withheld| **withheld == *name)
    }

    /// Says how an operator is allowed that the store knows and the service does not.
    pub(super) fn hint(&self, operator: &str) -> Option<String> {
        let known = self.options.known.contains(operator);
        known.then(|| format!("the service does not allow {operator}; `.operators([\"{operator}\"])` on it does"))
    }
}

/// Joins conditions that must all match.
pub(super) fn all(mut filters: Vec<Filter>) -> Filter {
    match filters.len() {
        0 => Filter::All,
        1 => filters.pop().unwrap_or_default(),
        _ => Filter::And(filters),
    }
}

/// Finds the page size: the wanted one up to the maximum, or else the default.
fn limit(wanted: Option<i64>, paginate: Option<Paginate>) -> Option<u64> {
    let wanted = wanted.and_then(|number| u64::try_from(number).ok());
    match paginate {
        Some(Paginate { default, max }) if default.is_some() || max.is_some() => {
            Some(wanted.or(default).unwrap_or(0).min(max.unwrap_or(u64::MAX)))
        }
        _ => wanted,
    }
}

/// Reads the direction of a sort; 0 is no order.
pub(super) fn direction(number: i64) -> Option<Order> {
    match number {
        0 => None,
        1.. => Some(Order::Ascending),
        _ => Some(Order::Descending),
    }
}

/// Returns the parts of `$or` and `$and`, which are objects in an array that is not empty.
pub(super) fn branches<'a>(name: &str, value: &'a Value) -> Result<Vec<&'a Map<String, Value>>> {
    let items = value.as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| Error::bad_request(format!("{name} must be a nonempty array")))?;
    let objects = items.iter().map(Value::as_object).collect::<Option<_>>();
    objects.ok_or_else(|| Error::bad_request(format!("{name} must be an array of objects")))
}

/// Joins the parts of `$or` and `$and`.
pub(super) fn join(name: &str, filters: Vec<Filter>) -> Filter {
    if name == "$or" { Filter::Or(filters) } else { Filter::And(filters) }
}

/// Refuses what is too deep or too much before anything recurses into it.
fn check_size(raw: &Map<String, Value>) -> Result<()> {
    let mut waiting: Vec<(&Value, usize)> = Vec::new();
    let mut count = raw.len();
    waiting.extend(raw.values().filter(|value| is_nested(value)).map(|value| (value, 1)));
    while let Some((value, depth)) = waiting.pop() {
        if depth > MAX_DEPTH {
            return Err(Error::bad_request(format!("Query is nested deeper than {MAX_DEPTH} levels")));
        }
        match value {
            Value::Array(items) => {
                count += items.len();
                waiting.extend(items.iter().filter(|value| is_nested(value)).map(|value| (value, depth + 1)));
            }
            Value::Object(fields) => {
                count += fields.len();
                waiting.extend(fields.values().filter(|value| is_nested(value)).map(|value| (value, depth + 1)));
            }
            _ => {}
        }
        if count > MAX_VALUES {
            break;
        }
    }
    if count > MAX_VALUES {
        return Err(Error::bad_request(format!("Query has more than {MAX_VALUES} values")));
    }
    Ok(())
}

fn is_nested(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}
