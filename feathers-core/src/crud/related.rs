//! Finds of related records: a few for each value of a field, which is one call of the store for a page of others.

use super::Crud;
use crate::call::crud_options::KeyedFind;
use crate::call::service::Request;
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::data::query::{FieldPath, Query};
use crate::store::{FoundPerKey, PerKey, Store};

impl<S: Store> Crud<S> {
    /// Answers a find for each value of a field.
    pub(super) async fn find_keyed(&self, query: &Query, asked: &KeyedFind, request: &Request<'_>) -> Result<Payload> {
        let field = FieldPath::new(&asked.field, self.store.schema());
        let per_key = PerKey::new(field, asked.limit).total(asked.total).most(asked.most);
        let FoundPerKey { records, totals } = self.store.find_per_key(query, &per_key, &request.store).await?;
        asked.note(totals);
        Ok(Payload::many(super::computed::fill_all(records), self.view(query.select.as_deref())))
    }
}
