//! Hooks: code that runs around, before and after service methods, and on their errors.
//!
//! The order is that of Feathers: around, before, the method, after. The app's hooks are outside the service's, and
//! those for all methods outside those for one. Hooks of one list run in the order of registration.
//!
//! Those that many apps need are here: [`typed`] sees the data as drafts of the record, [`require`] asks something of the
//! user, [`soft_delete`] marks instead of deleting, [`rate_limit`], [`cache_control`], [`debounce`], [`disallow`] and
//! [`when`] do what they say.

pub use crate::hook::*;
pub use crate::hooks::{
    CacheControl, Debounce, Disallow, RateLimit, Require, SoftDelete, Typed, When, WithDeleted, cache_control,
    debounce, disallow, rate_limit, require, soft_delete, typed, when,
};
pub use crate::{Drafts, Original};
