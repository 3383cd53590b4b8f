//! Queries on records without a schema: Feathers' rules for its memory adapter, nothing coerced.
//!
//! The texts of the errors are Feathers' own; an unknown word below the top comes with the object that held it.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::data::error::{Error, Result};
use crate::data::field::FieldValue;
use crate::data::query::coerce::{integer, is_number, parse_int, text};
use crate::data::query::parse::{Scope, all, branches, direction, join};
use crate::data::query::{Comparison, FieldPath, Filter, Order, Query};

/// Reads a condition at the top of the query.
pub(super) fn top_level(name: &str, value: &Value, scope: &Scope<'_>) -> Result<Filter> {
    check_words(value, scope)?;
    match name {
        "$or" | "$and" => either(name, value, scope),
        name if name.starts_with('$') => Err(Error::bad_request(format!("Invalid filter value {name}"))),
        name => field(name, value, scope),
    }
}

/// Refuses unknown words at any depth, also inside values.
fn check_words(value: &Value, scope: &Scope<'_>) -> Result<()> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| check_words(item, scope)),
        Value::Object(object) => object.iter().try_for_each(|(name, value)| {
            if name.starts_with('$') && !may_be_below(name, scope) {
                return Err(unknown(name, object, scope));
            }
            check_words(value, scope)
        }),
        _ => Ok(()),
    }
}

/// Tells whether a word may stand below the top; `$and` only where a service allows it there.
fn may_be_below(name: &str, scope: &Scope<'_>) -> bool {
    name != "$and" && Query::OPERATORS.contains(&name) || scope.options.operators.contains(name)
}

fn unknown(name: &str, holder: &Map<String, Value>, scope: &Scope<'_>) -> Error {
    let hint = scope.hint(name).map(|hint| format!(": {hint}")).unwrap_or_default();
    Error::bad_request(format!("Invalid query parameter {name}{hint}")).with_data(holder.clone())
}

fn either(name: &str, value: &Value, scope: &Scope<'_>) -> Result<Filter> {
    let filters = branches(name, value)?.into_iter().map(|branch| nested(branch, scope)).collect::<Result<_>>()?;
    Ok(join(name, filters))
}

/// Reads one part of an `$or` or `$and`.
fn nested(branch: &Map<String, Value>, scope: &Scope<'_>) -> Result<Filter> {
    let filters = branch.iter().map(|(name, value)| match &**name {
        "$or" | "$and" => either(name, value, scope),
        name if name.starts_with('$') => Err(unknown(name, branch, scope)),
        name => field(name, value, scope),
    });
    Ok(all(filters.collect::<Result<_>>()?))
}

/// Refuses a field that does not exist for the caller.
fn check_withheld(path: &str, scope: &Scope<'_>) -> Result<()> {
    let name = path.split('.').next().unwrap_or_default();
    if scope.is_withheld(name) { Err(Error::bad_request(format!("Invalid query parameter {name}"))) } else { Ok(()) }
}

fn field(name: &str, value: &Value, scope: &Scope<'_>) -> Result<Filter> {
    check_withheld(name, scope)?;
    let path = FieldPath::new(name, scope.schema);
    let equal = |value: &Value| Comparison::Equal(FieldValue::from(value.clone()));
    let Some(operators) = value.as_object().filter(|object| object.keys().any(|name| name.starts_with('$'))) else {
        return Ok(Filter::Field(path, equal(value)));
    };
    let filters = operators.iter().map(|(operator, operand)| {
        if !operator.starts_with('$') {
            return Err(Error::bad_request("Property queries must contain only operations, or exact objects."));
        }
        let comparison =
            Comparison::read(operator, operand, scope.options, |value| Ok(FieldValue::from(value.clone())))?;
        let refused = || format!("Malformed query. {operator} cannot be matched against property.");
        let comparison = comparison.ok_or_else(|| Error::bad_request(refused()))?;
        Ok(Filter::Field(path.clone(), comparison))
    });
    Ok(all(filters.collect::<Result<_>>()?))
}

/// Reads `$sort`: what is no object is ignored, and so is a direction that is no number.
pub(super) fn sort(value: &Value, scope: &Scope<'_>) -> Result<Vec<(FieldPath, Order)>> {
    check_words(value, scope)?;
    if let Value::Object(fields) = value {
        fields.keys().try_for_each(|name| check_withheld(name, scope))?;
    }
    match value {
        Value::Null => Err(Error::bad_request("$sort must be an object")),
        Value::Object(fields) => Ok(fields
            .iter()
            .filter(|(_, value)| !matches!(value, Value::Array(_) | Value::Object(_)))
            .filter_map(|(name, value)| Some((FieldPath::new(name, scope.schema), direction(parse_int(value)?)?)))
            .collect()),
        _ => Ok(Vec::new()),
    }
}

/// Reads `$limit` and `$skip` as FeathersJS does, but for fractions: what is no number is ignored.
pub(super) fn page_number(name: &str, value: &Value) -> Result<Option<i64>> {
    if matches!(value, Value::Number(_) | Value::String(_)) {
        if let Some(number) = integer(value) {
            return Ok(Some(number));
        }
        if is_number(value) {
            return Err(Error::bad_request(format!("{name} must be a whole number")));
        }
    }
    Ok(parse_int(value))
}

/// Reads `$select`: a list of names or one name; what JavaScript takes for false is no selection.
pub(super) fn select(value: &Value) -> Result<Option<Vec<Arc<str>>>> {
    let refused = || Error::bad_request("$select must be an array of field names");
    match value {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::String(name) if name.is_empty() => Ok(None),
        Value::String(name) => Ok(Some(vec![name.as_str().into()])),
        Value::Array(names) => {
            let names = names.iter().map(|name| text(name).map(Into::into).ok_or_else(refused));
            names.collect::<Result<_>>().map(Some)
        }
        _ => Err(refused()),
    }
}
