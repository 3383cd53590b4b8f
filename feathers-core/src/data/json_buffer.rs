//! A buffer of each thread into which JSON is written before its length is known.
//!
//! What is kept of the JSON is as long as the JSON, and no buffer grows step by step for each payload.

use std::cell::Cell;

use bytes::Bytes;

/// How large a buffer may be that a thread keeps.
const KEPT: usize = 64 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Returns what is written.
///
/// A write inside another one has a buffer of its own.
pub(crate) fn write<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Bytes, E> {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let written = write(&mut buffer);
    if buffer.capacity() > KEPT {
        return written.map(|()| buffer.into());
    }
    let bytes = written.map(|()| Bytes::copy_from_slice(&buffer));
    buffer.clear();
    let _ = BUFFER.try_with(|kept| kept.set(buffer));
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{KEPT, write};

    fn text(text: &[u8]) -> impl FnOnce(&mut Vec<u8>) -> io::Result<()> {
        move |out| out.write_all(text)
    }

    #[test]
    fn writes_do_not_meet() {
        let outer = write(|out| {
            out.write_all(b"a")?;
            assert_eq!(write(text(b"inner"))?, "inner");
            out.write_all(b"b")
        });
        assert_eq!(outer.unwrap(), "ab");
        let failed = write(|out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(write(text(b"whole")).unwrap(), "whole");
        let long = vec![b'x'; KEPT + 1];
        assert_eq!(write(text(&long)).unwrap(), long);
        assert_eq!(write(text(b"short")).unwrap(), "short");
    }
}
