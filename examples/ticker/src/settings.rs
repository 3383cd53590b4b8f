//! Settings from the environment.

use feathers::prelude::*;

/// Returns the whole number in a variable of the environment, or `default` without one; anything else is an error.
pub(crate) fn number(name: &str, default: u64) -> Result<u64> {
    let Some(text) = std::env::var_os(name) else { return Ok(default) };
    let text = text.to_string_lossy();
    text.parse().map_err(|_| Error::bad_request(format!("{name} must be a whole number, not `{text}`")))
}
