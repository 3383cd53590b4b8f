//! Stores: where records are kept.
//!
//! A [`Store`] finds and changes records; [`Crud`] makes a service of it, with validation, pagination and events.
//! [`Memory`](crate::Memory) is the one in memory.

pub use crate::{
    Aggregate, AggregateRow, CancelOnDrop, Cancellation, Cascade, Change, Cleared, Commit, Counter, Crud, CrudOptions,
    FoundPerKey, Image, MAX_CHANGES, Measure, MemoryDatabase, MemoryStore, Multi, PerKey, Relations, Removed, Store,
    StoreChange, StoreContext, StoreId,
};
