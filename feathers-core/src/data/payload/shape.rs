//! The shape of results without a type: where the records are in a `serde_json::Value`.

use std::slice;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Tells whether a record, one of a list or one of a page has any of these fields.
pub(super) fn has_any(value: &Value, fields: &[Arc<str>]) -> bool {
    let mut objects = records_of(value).iter().filter_map(Value::as_object);
    objects.any(|object| fields.iter().any(|name| object.contains_key(&**name)))
}

/// Takes these fields from a record, from each of a list or from each of a page.
pub(super) fn remove(value: &mut Value, fields: &[Arc<str>]) {
    let clean = |value: &mut Value| {
        if let Some(object) = value.as_object_mut() {
            object.retain(|name, _| !fields.iter().any(|field| **field == *name));
        }
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(object) if page(object).is_some() => {
            if let Some(Value::Array(items)) = object.get_mut("data") {
                items.iter_mut().for_each(clean);
            }
        }
        one => clean(one),
    }
}

/// Returns the records: those of a list, those of a page, else the one.
pub(crate) fn records_of(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Object(object) => page(object).map_or(slice::from_ref(value), Vec::as_slice),
        one => slice::from_ref(one),
    }
}

/// Returns the same for changing them.
pub(crate) fn records_mut(value: &mut Value) -> &mut [Value] {
    let is_page = value.as_object().is_some_and(|object| page(object).is_some());
    let records = if is_page { &mut value["data"] } else { value };
    match records {
        Value::Array(items) => items,
        one => slice::from_mut(one),
    }
}

/// Returns the records of a page.
fn page(object: &Map<String, Value>) -> Option<&Vec<Value>> {
    let is_page = object.contains_key("total") && object.contains_key("skip");
    object.get("data").filter(|_| is_page).and_then(Value::as_array)
}
