//! How deep JSON from outside is nested.

use crate::data::error::{Error, Result};

/// How deep JSON from outside may be nested; what is accepted here can always be decoded later.
const MAX_DEPTH: usize = 100;

/// Fails for valid JSON text that is nested too deep.
pub(super) fn check_depth(json: &[u8]) -> Result<()> {
    match too_deep(json) {
        Some(place) => {
            let what = format!("Invalid JSON: nested deeper than {MAX_DEPTH} levels at byte {place}");
            Err(Error::bad_request(what))
        }
        None => Ok(()),
    }
}

/// Returns where valid JSON text is nested too deep.
fn too_deep(json: &[u8]) -> Option<usize> {
    // Every level is closed again, so that short texts, which are most, need no look.
    if json.len() <= 2 * MAX_DEPTH {
        return None;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    json.iter().position(|byte| {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}
