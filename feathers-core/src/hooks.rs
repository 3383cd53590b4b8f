//! Hooks that many apps need, so that they are written and tested once.

mod cache_control;
mod debounce;
mod disallow;
mod rate_limit;
mod require;
mod soft_delete;
mod typed;
mod when;

pub use self::cache_control::{CacheControl, cache_control};
pub use self::debounce::{Debounce, debounce};
pub use self::disallow::{Disallow, disallow};
pub use self::rate_limit::{RateLimit, rate_limit};
pub use self::require::{Require, require};
pub use self::soft_delete::{SoftDelete, WithDeleted, soft_delete};
pub use self::typed::{Typed, typed};
pub use self::when::{When, when};
