//! Access in a store's service: what a caller may not read is not there for it.

use std::slice;
use std::sync::Arc;

use serde_json::Value;

use super::Crud;
use crate::call::service::Request;
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::records_of;
use crate::data::query::{Comparison, FieldPath, Filter, Query};
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::data::violation::unknown_field;
use crate::store::Store;

/// How often an `update` is tried that keeps fields which others change meanwhile.
const TRIES: usize = 5;

/// Narrows a query to what the caller may read.
pub(super) fn narrow(query: &mut Query, request: &Request<'_>) {
    let Some(rights) = request.rights() else { return };
    match (&mut query.filter, &rights.read.filter) {
        (_, Filter::All) => {}
        (own @ Filter::All, readable) => *own = readable.clone(),
        (own, readable) => *own = Filter::And(vec![std::mem::take(own), readable.clone()]),
    }
}

/// Returns the fields that do not exist for the caller.
pub(super) fn withheld<'a>(request: &Request<'a>) -> &'a [Arc<str>] {
    request.rights().map(|rights| &*rights.read.hidden).unwrap_or_default()
}

/// Checks the rule of the method on a record as it is before the change.
pub(super) fn check_before<R: Record>(record: &R, request: &Request<'_>) -> Result<()> {
    let Some(rights) = request.rights() else { return Ok(()) };
    if rights.rule.matches(&|path: &FieldPath| record.lookup(path)) {
        return Ok(());
    }
    Err(Error::not_allowed(request.method.name()))
}

/// Refuses fields in what the client has sent that do not exist for it. Hooks may set them.
pub(super) fn check_sent(request: &Request<'_>, schema: &Schema) -> Result<()> {
    let withheld = withheld(request);
    if withheld.is_empty() {
        return Ok(());
    }
    let sent = request.sent().unwrap_or(&request.data).value()?;
    let is_withheld = |name: &str| {
        let is = |field: &str| withheld.iter().any(|withheld| **withheld == *field);
        is(name) || schema.fields.iter().any(|field| field.is_named(name) && is(field.name))
    };
    let names = records_of(sent).iter().filter_map(Value::as_object).flat_map(|record| record.keys());
    let mistakes: Vec<_> = names.filter(|name| is_withheld(name)).map(|name| unknown_field("", "", name)).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Error::validation(mistakes)) }
}

impl<S: Store> Crud<S> {
    /// Replaces a record for a caller for whom some fields do not exist: they stay as they are, unless hooks have set
    /// them. Where another call changes them meanwhile, the record is read again.
    pub(super) async fn update_visible(
        &self,
        id: &Id,
        query: &Query,
        request: &Request<'_>,
    ) -> Result<Option<Arc<S::Record>>> {
        let schema = self.store.schema();
        for _ in 0..TRIES {
            let Some(old) = self.store.get(id, query, &request.store).await? else { return Ok(None) };
            let (mut data, mut query) = (request.data.clone(), query.clone());
            let kept = serde_json::to_value(&*old)?;
            let object = data.object_mut()?;
            let is_kept = |name: &str| schema.field(name).is_some_and(|field| field.version || field.computed);
            // What the store keeps by itself is in no draft.
            for name in withheld(request).iter().filter(|name| !is_kept(name)) {
                let path = FieldPath::new(name, schema);
                let is_set = object.contains_key(&**name);
                if let Some(value) = kept.get(&**name).filter(|_| !is_set) {
                    object.insert(name.to_string(), value.clone());
                    let same = Filter::Field(path.clone(), Comparison::Equal(old.lookup(&path).into_owned()));
                    query.filter = Filter::And(vec![std::mem::take(&mut query.filter), same]);
                }
            }
            let mut data = self.data(&data, super::validate::Mode::Update, request)?;
            Self::set(slice::from_mut(&mut data), request, false)?;
            if let Some(record) = self.store.update(id, data, &query, &request.store).await? {
                return Ok(Some(record));
            }
        }
        Err(Error::conflict("the record is being changed by others, try again"))
    }
}
