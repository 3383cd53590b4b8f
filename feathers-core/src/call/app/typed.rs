//! Typed services: calls from inside the server with records instead of JSON.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::app::ServiceHandle;
use crate::call::params::Params;
use crate::data::error::Result;
use crate::data::id::Id;
use crate::data::mask::FieldMask;
use crate::data::payload::Payload;
use crate::data::record::Record;
use crate::data::type_schema::{Described, TypeSchema};

/// Calls a service of typed records from inside the server. All hooks run.
#[derive(Debug)]
pub struct TypedService<R> {
    service: ServiceHandle,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for TypedService<R> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), record: PhantomData }
    }
}

/// One page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<R> {
    /// The number of all matches.
    pub total: u64,
    /// The size of the page.
    #[serde(default)]
    pub limit: u64,
    /// How many records come before.
    pub skip: u64,
    /// The records.
    pub data: Vec<R>,
}

impl<R: Described> Described for Page<R> {
    fn type_schema() -> TypeSchema {
        R::type_schema().page()
    }
}

impl<R: Record> TypedService<R> {
    pub(super) fn new(service: ServiceHandle) -> Self {
        Self { service, record: PhantomData }
    }

    /// Returns all records that match, without pagination.
    ///
    /// # Errors
    /// Those of the service and its hooks, and records that do not fit the type.
    pub async fn find(&self, params: impl Into<Params>) -> Result<Vec<R>> {
        let mut params = params.into();
        params.insert(crate::call::crud_options::CrudOptions::unpaginated());
        let answer = self.service.find(params).await?;
        match whole(&answer) {
            Ok(records) => Ok(records.iter().map(|record| R::clone(record)).collect()),
            Err(answer) => answer.decode(),
        }
    }

    /// Returns one page of records: `limit` of them after `skip`.
    ///
    /// # Errors
    /// Those of the service and its hooks, and records that do not fit the type.
    pub async fn page(&self, limit: u64, skip: u64, params: impl Into<Params>) -> Result<Page<R>> {
        let mut params = params.into();
        let mut query: Map<String, Value> = std::mem::take(&mut params.query);
        query.insert("$limit".to_owned(), json!(limit));
        query.insert("$skip".to_owned(), json!(skip));
        params.query = query;
        params.insert(crate::call::crud_options::CrudOptions::paginated(limit));
        self.service.find(params).await?.decode()
    }

    /// Counts the records that match. All hooks of `find` run.
    ///
    /// # Errors
    /// Those of the service and its hooks.
    pub async fn count(&self, params: impl Into<Params>) -> Result<u64> {
        Ok(self.page(0, 0, params).await?.total)
    }

    /// Returns one record.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn get(&self, id: impl Into<Id>, params: impl Into<Params>) -> Result<R> {
        one(&self.service.get(id, params).await?)
    }

    /// Makes one record of its data, or of a draft with the fields that only the server sets.
    ///
    /// # Errors
    /// Those of the service and its hooks.
    pub async fn create(&self, data: impl Into<R::Draft>, params: impl Into<Params>) -> Result<R>
    where
        R::Draft: Serialize + Sync,
    {
        one(&self.service.create(Payload::new(data.into()), params).await?)
    }

    /// Replaces one record by its data, or by a draft with the fields that only the server sets.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn update(&self, id: impl Into<Id>, data: impl Into<R::Draft>, params: impl Into<Params>) -> Result<R>
    where
        R::Draft: Serialize + Sync,
    {
        one(&self.service.update(id, Payload::new(data.into()), params).await?)
    }

    /// Changes one record by a patch, or by a draft of one with the fields that clients may not change.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn patch(&self, id: impl Into<Id>, data: impl Into<R::PatchDraft>, params: impl Into<Params>) -> Result<R>
    where
        R::PatchDraft: Serialize + Sync,
    {
        one(&self.service.patch(id.into(), Payload::new(data.into()), params).await?)
    }

    /// Deletes one record and returns it.
    ///
    /// # Errors
    /// Those of the service and its hooks, with a 404 for an id that is not there.
    pub async fn remove(&self, id: impl Into<Id>, params: impl Into<Params>) -> Result<R> {
        one(&self.service.remove(id.into(), params).await?)
    }
}

/// Returns the records in an answer, if they are whole: what they hold of related records stands in no JSON.
fn whole<R: Record>(answer: &Payload) -> Result<&[Arc<R>], &Payload> {
    answer.typed_records().filter(|_| answer.mask() == FieldMask::All).ok_or(answer)
}

/// Returns the record in an answer.
fn one<R: Record>(answer: &Payload) -> Result<R> {
    match whole(answer) {
        Ok([record]) => Ok(R::clone(record)),
        _ => answer.decode(),
    }
}
