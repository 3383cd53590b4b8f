//! Queries on records with a schema: values are coerced to the types of the fields, and what does not fit is refused.
//!
//! The errors are those of Ajv for Feathers' `querySyntax`. A hidden field is refused for clients exactly like one
//! that does not exist, so that its existence stays hidden, too.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::field::FieldValue;
use crate::data::query::coerce::{coerce, integer, is_number, meant};
use crate::data::query::parse::{Scope, all, branches, direction, join};
use crate::data::query::{Comparison, FieldPath, Filter, Order, through};
use crate::data::schema::Field;
use crate::data::violation::{
    fragment, mistake, not_allowed, not_compared, out_of_bounds, pointer, unknown_field, wrong_type,
};

/// Where in the query a condition stands; written out only for errors.
pub(super) enum Place<'a> {
    /// At the top.
    Root,
    /// In a part of `$or` or `$and`.
    Branch(&'a Self, &'a str, usize),
}

impl Place<'_> {
    /// Returns the paths inside the query and inside its schema.
    fn paths(&self) -> (String, String) {
        match self {
            Self::Root => (String::new(), String::new()),
            Self::Branch(outer, word, index) => {
                let (instance, schema) = outer.paths();
                (format!("{instance}/{word}/{index}"), format!("{schema}/properties/{}/items", fragment(word)))
            }
        }
    }

    fn refuse_unknown(&self, name: &str) -> Error {
        let (instance, schema) = self.paths();
        Error::validation(vec![unknown_field(&instance, &schema, name)])
    }

    /// Fails as Ajv does when a value is neither of the field's type nor an object of operators.
    fn refuse(&self, name: &str, field: &Field, inner: impl FnOnce(&str, &str) -> Value) -> Error {
        let (instance, schema) = self.paths();
        let instance = format!("{instance}/{}", pointer(name));
        let schema = format!("{schema}/properties/{}", fragment(name));
        Error::validation(vec![
            expected(field.data_type, &instance, &format!("{schema}/anyOf/0")),
            inner(&instance, &format!("{schema}/anyOf/1")),
            mistake(&instance, &schema, "anyOf", json!({}), "must match a schema in anyOf"),
        ])
    }
}

/// Makes the item for a value that does not fit; in a list it is an item that is looked for.
fn expected(kind: DataType, instance: &str, schema: &str) -> Value {
    match kind {
        DataType::List(item) => item.mistake(instance, schema),
        kind => kind.mistake(instance, schema),
    }
}

impl Scope<'_> {
    /// Returns the fields that the caller may know of.
    fn visible(&self) -> impl Iterator<Item = &'static Field> {
        let external = self.caller.external;
        self.schema.fields.iter().filter(move |field| !(external && field.hidden || self.is_withheld(field.name)))
    }

    /// Finds the field of a path; dots lead into lists, objects and JSON only.
    fn field(&self, path: &str) -> Option<&'static Field> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        self.visible().find(|field| field.name == name && (rest.is_none() || field.data_type.is_nested()))
    }
}

/// Reads one condition and adds what it demands.
pub(super) fn condition(
    name: &str,
    value: &Value,
    scope: &Scope<'_>,
    place: &Place<'_>,
    filters: &mut Vec<Filter>,
) -> Result<()> {
    let and = matches!(place, Place::Root) || scope.options.operators.contains("$and");
    if name == "$or" || (name == "$and" && and) {
        let parts = branches(name, value)?.into_iter().enumerate();
        let parts = parts.map(|(index, branch)| part(branch, scope, &Place::Branch(place, name, index)));
        filters.push(join(name, parts.collect::<Result<_>>()?));
        return Ok(());
    }
    if let Some(through) = through::find(scope.caller.through, name, value).filter(|own| !scope.is_withheld(own.field))
    {
        filters.push(through.filter(scope.schema));
        return Ok(());
    }
    let field = scope.field(name).ok_or_else(|| place.refuse_unknown(name))?;
    if field.computed {
        let (instance, schema) = place.paths();
        return Err(Error::validation(vec![not_compared(&instance, &schema, name)]));
    }
    let path = FieldPath::new(name, scope.schema);
    if let Value::Object(operators) = value
        && !operators.is_empty()
        && (!field.data_type.is_nested() || operators.keys().any(|operator| operator.starts_with('$')))
    {
        for (operator, operand) in operators {
            let comparison = compare(name, operator, operand, field, scope, place)?;
            filters.push(condition_on(path.clone(), comparison, field, scope));
        }
        return Ok(());
    }
    let value = match value {
        // An object without operators is a value, which no scalar equals; it must not match everything.
        Value::Object(_) => FieldValue::Json(value.clone()),
        value => coerce(value, field)
            .ok_or_else(|| place.refuse(name, field, |instance, schema| wrong_type(instance, schema, "object")))?,
    };
    filters.push(condition_on(path, Comparison::Equal(value), field, scope));
    Ok(())
}

/// Makes a condition; in JSON, a text of a caller that can write nothing else stands for what it is the text of too.
fn condition_on(path: FieldPath, comparison: Comparison, field: &Field, scope: &Scope<'_>) -> Filter {
    if !matches!(field.data_type, DataType::Json | DataType::Object(_)) || !scope.caller.writes_texts {
        return Filter::Field(path, comparison);
    }
    let (comparison, other) = comparison.or_meant(meant);
    match other {
        Some(other) => Filter::Or(vec![Filter::Field(path.clone(), comparison), Filter::Field(path, other)]),
        None => Filter::Field(path, comparison),
    }
}

fn part(branch: &Map<String, Value>, scope: &Scope<'_>, place: &Place<'_>) -> Result<Filter> {
    let mut filters = Vec::with_capacity(branch.len());
    for (name, value) in branch {
        condition(name, value, scope, place, &mut filters)?;
    }
    Ok(all(filters))
}

fn compare(
    name: &str,
    operator: &str,
    operand: &Value,
    field: &Field,
    scope: &Scope<'_>,
    place: &Place<'_>,
) -> Result<Comparison> {
    let wrong = || {
        place.refuse(name, field, |instance, schema| {
            let instance = format!("{instance}/{}", pointer(operator));
            let schema = format!("{schema}/properties/{}", fragment(operator));
            expected(field.data_type, &instance, &schema)
        })
    };
    let is_order = matches!(operator, "$gt" | "$gte" | "$lt" | "$lte");
    if is_order && !field.data_type.is_ordered() {
        let message = format!("must NOT have {operator}: {} no order", unordered(field.data_type));
        return Err(place.refuse(name, field, |instance, schema| {
            mistake(instance, schema, "additionalProperties", json!({ "additionalProperty": operator }), message)
        }));
    }
    let comparison =
        Comparison::read(operator, operand, scope.options, |value| coerce(value, field).ok_or_else(wrong))?;
    let unknown = |instance: &str, schema: &str| match scope.hint(operator) {
        Some(hint) => {
            mistake(instance, schema, "additionalProperties", json!({ "additionalProperty": operator }), hint)
        }
        None => unknown_field(instance, schema, operator),
    };
    let comparison = comparison.ok_or_else(|| place.refuse(name, field, unknown))?;
    Ok(match field.data_type {
        DataType::Enum(words) => comparison.among(words),
        _ => comparison,
    })
}

/// Returns what a type without an order is called, in a sentence.
fn unordered(kind: DataType) -> &'static str {
    match kind {
        DataType::List(_) => "a list has",
        DataType::Bytes => "bytes have",
        _ => "an object has",
    }
}

/// Reads `$version`: a whole number, or a list of those that are right.
pub(super) fn versions(value: &Value) -> Result<Vec<i64>> {
    let items = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
    let version = |item: &Value| integer(item).filter(|_| !item.is_boolean());
    items
        .iter()
        .map(version)
        .collect::<Option<_>>()
        .ok_or_else(|| Error::validation(vec![wrong_type("/$version", "/properties/%24version", "integer")]))
}

/// Reads `$limit` and `$skip`; `null` is the same as leaving it out.
pub(super) fn page_number(name: &str, value: &Value) -> Result<Option<i64>> {
    if value.is_null() {
        return Ok(None);
    }
    let places = || (format!("/{name}"), format!("/properties/{}", fragment(name)));
    match integer(value) {
        None => {
            let (instance, schema) = places();
            let expected = if is_number(value) { "integer" } else { "number" };
            Err(Error::validation(vec![wrong_type(&instance, &schema, expected)]))
        }
        Some(number) if number < 0 => {
            let (instance, schema) = places();
            Err(Error::validation(vec![out_of_bounds(&instance, &schema, "minimum", ">=", 0.0)]))
        }
        number => Ok(number),
    }
}

/// Reads `$sort`: the directions are 1 and -1.
pub(super) fn sort(value: &Value, scope: &Scope<'_>) -> Result<Vec<(FieldPath, Order)>> {
    const INSTANCE: &str = "/$sort";
    const SCHEMA: &str = "/properties/%24sort";
    let Value::Object(fields) = value else {
        return Err(Error::validation(vec![wrong_type(INSTANCE, SCHEMA, "object")]));
    };
    let mut sort = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let Some(field) = scope.field(name) else {
            return Err(Error::validation(vec![unknown_field(INSTANCE, SCHEMA, name)]));
        };
        if field.computed {
            return Err(Error::validation(vec![not_compared(INSTANCE, SCHEMA, name)]));
        }
        let instance = || format!("{INSTANCE}/{}", pointer(name));
        let schema = || format!("{SCHEMA}/properties/{}", fragment(name));
        // A place inside of it may have an order.
        if !field.data_type.is_ordered() && field.name == name {
            let message = format!("must NOT be sorted by: {} no order", unordered(field.data_type));
            return Err(Error::validation(vec![mistake(&instance(), &schema(), "not", json!({}), message)]));
        }
        if !is_number(value) {
            return Err(Error::validation(vec![wrong_type(&instance(), &schema(), "number")]));
        }
        let number = integer(value).filter(|number| matches!(number, 1 | -1)).and_then(direction);
        let order =
            number.ok_or_else(|| Error::validation(vec![not_allowed(&instance(), &schema(), &json!([1, -1]))]))?;
        sort.push((FieldPath::new(name, scope.schema), order));
    }
    Ok(sort)
}

/// Reads `$select`: an array of the names of whole fields.
pub(super) fn select(value: &Value, scope: &Scope<'_>) -> Result<Option<Vec<Arc<str>>>> {
    const SCHEMA: &str = "/properties/%24select";
    let Value::Array(names) = value else {
        return Err(Error::validation(vec![wrong_type("/$select", SCHEMA, "array")]));
    };
    let names = names.iter().enumerate().map(|(index, name)| {
        let known = name.as_str().filter(|name| scope.visible().any(|field| field.name == *name));
        known.map(Into::into).ok_or_else(|| {
            let visible: Vec<_> = scope.visible().map(|field| field.name).collect();
            let instance = format!("/$select/{index}");
            Error::validation(vec![not_allowed(&instance, &format!("{SCHEMA}/items"), &json!(visible))])
        })
    });
    names.collect::<Result<_>>().map(Some)
}
