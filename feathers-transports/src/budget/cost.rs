//! What things cost in memory, as far as their bytes tell.

use http::HeaderMap;

/// Up to this many bytes a body or an answer is not counted: there is one on a connection, and the system's own buffers
/// are larger.
pub(crate) const SMALL: usize = 8 << 10;

/// What a call or a message costs besides its bytes.
pub(crate) const OVERHEAD: usize = 512;

/// What a value costs in a tree of JSON.
const VALUE: usize = 80;

/// Returns what a call costs while it runs: its text, and the largest tree that can be made of it.
pub(crate) fn call(text: &[u8]) -> usize {
    let values = text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    OVERHEAD + text.len() + VALUE * values
}

/// Returns what the headers of a request cost that are kept.
pub(crate) fn head(headers: &HeaderMap) -> usize {
    OVERHEAD + headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
}
