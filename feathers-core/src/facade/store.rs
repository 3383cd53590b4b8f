//! Stores: where records are kept.
//!
//! A [`Store`] finds and changes records; [`Crud`] makes a service of it, with validation, pagination and events.
//! [`Memory`](crate::Memory) is the one in memory.

pub use crate::{
    CancelOnDrop, Cancellation, Change, Commit, Counter, Crud, CrudOptions, Image, MemoryStore, Multi, Store,
    StoreContext,
};
