//! What things cost in memory, as far as their bytes tell.

use http::HeaderMap;

/// Up to this many bytes a body or an answer is not counted: there is one on a connection, and the system's own buffers
/// are larger.
pub(crate) const SMALL: usize = 8 << 10;

/// What a call or a message costs besides its bytes.
pub(crate) const OVERHEAD: usize = 512;

/// What a value costs in a tree of JSON.
const VALUE: usize = 80;

/// Up to this many bytes a text is small, whatever stands in it.
const ALWAYS_SMALL: usize = (SMALL - OVERHEAD) / (VALUE + 1);

/// Returns what a call costs while it runs: its text, and the largest tree that can be made of it.
///
/// Of what is small in any case, it is the most that it could be.
pub(crate) fn call(text: &[u8]) -> usize {
    let values = if text.len() <= ALWAYS_SMALL { text.len() } else { values(text) };
    OVERHEAD + text.len() + VALUE * values
}

/// Counts what begins a value or comes before the next one.
fn values(text: &[u8]) -> usize {
    // A piece is as long as a byte can count, which lets the processor look at many bytes at once.
    let of_piece = |piece: &[u8]| piece.iter().map(|byte| u8::from(matches!(byte, b',' | b'[' | b'{'))).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|piece| usize::from(of_piece(piece))).sum()
}

/// Returns what the headers of a request cost that are kept.
pub(crate) fn head(headers: &HeaderMap) -> usize {
    OVERHEAD + headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::{ALWAYS_SMALL, OVERHEAD, SMALL, VALUE, call};

    #[test]
    fn a_text_costs_what_its_largest_tree_takes() {
        assert_eq!(call(&[b'['; ALWAYS_SMALL]), call(&[b' '; ALWAYS_SMALL]));
        assert!(call(&[b'['; ALWAYS_SMALL]) <= SMALL && call(&[b'['; ALWAYS_SMALL + 1]) > SMALL);
        let text = b"{,[ ".repeat(1_000);
        assert_eq!(call(&text), OVERHEAD + 4_000 + VALUE * 3_000);
        assert_eq!(call(&[b','; 1_021]), OVERHEAD + 1_021 + VALUE * 1_021);
    }
}
