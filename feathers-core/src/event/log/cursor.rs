//! Cursors: positions in a log, as clients keep them.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use serde::{Serialize, Serializer};

use crate::data::error::{Error, Result};

/// A position in one log, written as one text without spaces: letters, digits and `-`.
///
/// To clients it is opaque; it is a position and not a right. Its text may grow and say more in later versions, so
/// nothing but [`str::parse`] reads it.
///
/// ```
/// use feathers_core::{Cursor, Epoch};
///
/// # fn main() -> feathers_core::Result<()> {
/// let cursor: Cursor = "1a2B3c4D-17".parse()?;
/// assert_eq!((cursor.epoch(), cursor.seq()), (Epoch::new("1a2B3c4D").unwrap(), 17));
/// assert_eq!(cursor.text().as_str(), "1a2B3c4D-17");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    epoch: Epoch,
    seq: u64,
}

/// The text of a cursor, made without memory from the heap.
#[derive(Clone, Copy)]
pub struct CursorText {
    text: [u8; LENGTH],
    /// Where the text begins, which is written from its end.
    from: usize,
}

/// The most bytes that the text of a cursor takes.
const LENGTH: usize = 8 + 1 + 20;

/// The identity of one log: eight random letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch([u8; 8]);

impl Epoch {
    /// Makes the identity of a new log.
    pub fn random() -> Self {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut rng = rand::rng();
        Self(std::array::from_fn(|_| ALPHABET[rng.random_range(0..ALPHABET.len())]))
    }
}

impl Epoch {
    /// Reads an identity of exactly eight letters and digits.
    pub fn new(text: &str) -> Option<Self> {
        let bytes: [u8; 8] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphanumeric).then_some(Self(bytes))
    }

    pub(super) fn to_bits(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    pub(super) fn from_bits(bits: u64) -> Self {
        Self(bits.to_be_bytes())
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl Cursor {
    /// Names a position: everything up to a number in the log with this epoch has been seen.
    pub const fn new(epoch: Epoch, seq: u64) -> Self {
        Self { epoch, seq }
    }

    /// Returns which log it is a position in.
    pub const fn epoch(self) -> Epoch {
        self.epoch
    }

    /// Returns the number of the last event that was seen. The numbers of a log grow, and may have gaps.
    pub const fn seq(self) -> u64 {
        self.seq
    }

    /// Returns the text, without the detour through [`fmt`].
    pub fn text(self) -> CursorText {
        let mut text = [0; LENGTH];
        let (mut at, mut rest) = (LENGTH, self.seq);
        loop {
            at -= 1;
            text[at] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        at -= 1;
        text[at] = b'-';
        at -= self.epoch.0.len();
        text[at..at + self.epoch.0.len()].copy_from_slice(&self.epoch.0);
        CursorText { text, from: at }
    }
}

impl CursorText {
    /// Returns it as a text.
    pub fn as_str(&self) -> &str {
        self.text.get(self.from..).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for CursorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (epoch, seq) = text.split_once('-')?;
            let plain = seq.len() <= 20 && seq.bytes().all(|byte| byte.is_ascii_digit());
            Some(Self { epoch: Epoch::new(epoch)?, seq: seq.parse().ok().filter(|_| plain)? })
        };
        parse().ok_or_else(|| Error::bad_request("malformed cursor"))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
