//! Hooks: code that runs around, before and after service methods, and on their errors.
//!
//! The order is that of Feathers: around, before, the method, after. The app's hooks are outside the service's, and
//! those for all methods outside those for one. Hooks of one list run in the order of registration.

pub use crate::hook::*;
pub use crate::{Drafts, Original};
