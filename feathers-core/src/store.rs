//! Stores: typed collections of records.

mod aggregate;
mod cancellation;
mod context;
mod counter;
mod memory;
pub(crate) mod per_key;
mod relations;

use std::future::Future;
use std::sync::Arc;

pub(crate) use self::aggregate::Totals;
pub use self::aggregate::{Aggregate, AggregateRow, Measure};
pub use self::cancellation::{CancelOnDrop, Cancellation};
pub use self::context::StoreContext;
pub use self::counter::Counter;
pub(crate) use self::memory::Family;
pub use self::memory::MemoryStore;
pub use self::per_key::{FoundPerKey, PerKey};
pub use self::relations::{Cascade, Cleared, MAX_CHANGES, Relations, Removed};
use crate::data::error::Result;
use crate::data::field::FieldValue;
use crate::data::field_names::IntoFieldNames;
use crate::data::id::Id;
use crate::data::query::{FindResult, Query};
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::event::store_id::StoreId;

/// A typed collection of records.
///
/// A store only runs queries and writes: pagination, rights, validation and masks are the business of
/// [`Crud`](crate::Crud), which serves any store as a service. Every store passes one contract suite, `store_contract!` of
/// `feathers-testing`, so that the same query gives the same result.
///
/// Without a sort, records come in the store's own order: by id where ids are numbers, then in the order of creation
/// where they are texts.
///
/// Every method takes a [`StoreContext`], which says what call it works for. A read that takes long ends at its deadline,
/// and when its future is dropped.
///
/// A write calls [`Commit::reached`](crate::Commit::reached) of [`StoreContext::commit`] exactly once, when the change
/// becomes visible to readers. It calls it in the order in which changes become visible, so that events leave in the
/// order of commits. A write that fails or changes nothing does not call it. Nothing is stored by half: a write changes
/// all or nothing.
///
/// Where [`Commit::wants_images`](crate::Commit::wants_images), a write hands over each record as it was before and as it
/// is after the change, read in the same transaction; nothing has to be read for it otherwise.
pub trait Store: Send + Sync + 'static {
    /// The type of the records.
    type Record: Record;

    /// Returns the schema; its `id` names the id field.
    fn schema(&self) -> &Schema;

    /// Returns the extra operators that the store knows, such as `$like`; none unless it says so.
    ///
    /// A service that allows another one does not start.
    fn operators(&self) -> &[&str] {
        &[]
    }

    /// Tells whether the records live in the memory of the process and are gone with it.
    fn is_volatile(&self) -> bool {
        false
    }

    /// Tells whether every write asks [`Commit::check`](crate::Commit::check), which access rules for changes need: a
    /// service with such rules over a store that does not say so does not start.
    fn checks_commits(&self) -> bool {
        false
    }

    /// Returns by what commits and the app know the store; `None` where no call for another store changes its records.
    fn store_id(&self) -> Option<StoreId> {
        None
    }

    /// Returns what is wrong with how the store was made: its service does not start, and says so.
    fn mistakes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the records that match, ordered, skipped and limited as the query says.
    fn find(
        &self,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<FindResult<Self::Record>>> + Send;

    /// Returns a few of the records that match for each value of a field, in the order of the query, whose limit and
    /// skip do not count.
    ///
    /// It is for related records: those of a whole page of others are one call. A store that can say it in one statement
    /// does; otherwise all that match are found.
    fn find_per_key(
        &self,
        query: &Query,
        per_key: &PerKey,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<FoundPerKey<Self::Record>>> + Send {
        async move {
            let all = Query { limit: None, skip: 0, count: false, ..query.clone() };
            Ok(per_key.collect(self.find(&all, context).await?.records))
        }
    }

    /// Returns the record if it exists and matches the query's filter.
    fn get(
        &self,
        id: &Id,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<Option<Arc<Self::Record>>>> + Send;

    /// Stores new records, all or none, and returns them with their ids, in the order given.
    ///
    /// An id in the draft is kept; a 409 if it exists, and a 400 if it is a number beyond ±(2^53 - 1). Without one the
    /// store makes one: a number as [`Counter`] counts it, or a UUID of version 7 as text. Numbers start at 1; each is
    /// larger than all earlier ones, chosen ones below 2^52 included. A number that is not finite is a 400.
    fn create(
        &self,
        drafts: Vec<<Self::Record as Record>::Draft>,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<Vec<Arc<Self::Record>>>> + Send;

    /// Replaces the record if it exists and matches the query's filter; an id in the draft is ignored.
    fn update(
        &self,
        id: &Id,
        draft: <Self::Record as Record>::Draft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<Option<Arc<Self::Record>>>> + Send;

    /// Changes the records that match and returns them as they are then, in the store's own order.
    ///
    /// `id` picks one record, `None` all; the filter is tested before the change. Limit, skip and sort do not count.
    fn patch(
        &self,
        id: Option<&Id>,
        patch: <Self::Record as Record>::PatchDraft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<Vec<Arc<Self::Record>>>> + Send;

    /// Deletes the records that match and returns them, in the store's own order. As in `patch`.
    fn remove(
        &self,
        id: Option<&Id>,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<Vec<Arc<Self::Record>>>> + Send;

    /// Computes counts, sums, smallest and largest values of the records that match, in groups, which come in the order
    /// of their values. Of the query only the filter counts.
    ///
    /// By default it is computed here, from the records that [`find`](Self::find) returns. It is for the server: no
    /// access rules apply.
    fn aggregate(
        &self,
        aggregate: &Aggregate,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<Vec<AggregateRow>>> + Send {
        aggregate.over_find(self, query, context)
    }

    /// Counts the records that match.
    fn count(&self, query: &Query, context: &StoreContext<'_>) -> impl Future<Output = Result<u64>> + Send {
        let counted = Query { count: true, limit: Some(0), skip: 0, sort: Vec::new(), ..query.clone() };
        async move { Ok(self.find(&counted, context).await?.total.unwrap_or_default()) }
    }

    /// Adds up a field of the records that match; 0 of none.
    fn sum(
        &self,
        field: impl IntoFieldNames,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<FieldValue>> + Send {
        only(self, Aggregate::new().sum(field), query, context)
    }

    /// Returns the smallest value of a field of the records that match; `null` of none.
    fn min(
        &self,
        field: impl IntoFieldNames,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<FieldValue>> + Send {
        only(self, Aggregate::new().min(field), query, context)
    }

    /// Returns the largest value of a field of the records that match; `null` of none.
    fn max(
        &self,
        field: impl IntoFieldNames,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> impl Future<Output = Result<FieldValue>> + Send {
        only(self, Aggregate::new().max(field), query, context)
    }

    /// Closes the store when its service is torn down.
    fn close(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}

/// Returns the only value of an aggregate without groups.
async fn only<S: Store + ?Sized>(
    store: &S,
    aggregate: Aggregate,
    query: &Query,
    context: &StoreContext<'_>,
) -> Result<FieldValue> {
    let row = store.aggregate(&aggregate, query, context).await?.pop().unwrap_or_default();
    Ok(row.values.into_iter().next().unwrap_or_default())
}
