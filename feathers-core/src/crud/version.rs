//! Versions: a call for one record names the version that it knows with `$version`, and is a 412 if there is another.
//!
//! The store tests it with the condition of the query, in the same transaction as the change.

use super::Crud;
use crate::call::service::Request;
use crate::data::error::{Error, Result};
use crate::data::field::FieldValue;
use crate::data::id::Id;
use crate::data::query::{Comparison, FieldPath, Filter, Query};
use crate::data::schema::Schema;
use crate::store::Store;

/// What a call expects of the record that it names.
pub(super) struct Expected {
    /// The condition without the version.
    filter: Filter,
}

/// Makes the version that a call expects a part of its condition; `None` where it expects none.
pub(super) fn expect(query: &mut Query, schema: &Schema, id: Option<&Id>) -> Result<Option<Expected>> {
    let Some(versions) = query.version.take() else { return Ok(None) };
    let Some(field) = schema.version().and_then(|index| schema.fields.get(index)) else { return Ok(None) };
    if id.is_none() {
        return Err(Error::bad_request("$version is for one record, and the call names no id"));
    }
    let versions = versions.into_iter().map(FieldValue::Int).collect();
    let same = Filter::Field(FieldPath::new(field.name, schema), Comparison::In(versions));
    let filter = std::mem::take(&mut query.filter);
    query.filter = match filter.clone() {
        Filter::All => same,
        filter => Filter::And(vec![filter, same]),
    };
    Ok(Some(Expected { filter }))
}

/// Refuses a version where no record is there yet.
pub(super) fn refuse_new(request: &Request<'_>, schema: &Schema) -> Result<()> {
    if schema.version().is_some() && request.params.query.contains_key("$version") {
        return Err(Error::bad_request("$version is for a record that exists, and a new one has none"));
    }
    Ok(())
}

impl<S: Store> Crud<S> {
    /// Says why there is no record: it has another version, or it is not there, or not for this caller.
    pub(super) async fn missing(&self, id: &Id, expected: Option<Expected>, request: &Request<'_>) -> Error {
        if let Some(Expected { filter }) = expected {
            let query = Query { filter, ..Query::default() };
            match self.store.get(id, &query, &request.store).await {
                Ok(Some(_)) => {
                    let message = format!("The record with id '{id}' has changed: it has another version");
                    return Error::precondition_failed(message);
                }
                Ok(None) => {}
                Err(error) => return error,
            }
        }
        Error::no_record(id)
    }
}
