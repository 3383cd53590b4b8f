//! Cursors: positions in a log, as clients keep them.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use serde::{Serialize, Serializer};

use crate::data::error::{Error, Result};

/// A position in one log: `<epoch>-<seq>`.
///
/// To clients it is opaque; it is a position and not a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log.
    pub epoch: Epoch,
    /// The last event that was seen.
    pub seq: u64,
}

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
        let mut text = [0; Self::MAX_LENGTH];
        f.write_str(self.write(&mut text))
    }
}

impl Cursor {
    /// The most bytes that the text of a cursor takes.
    pub const MAX_LENGTH: usize = 8 + 1 + 20;

    /// Writes the cursor as text, without the detour through [`fmt`].
    pub fn write<'t>(&self, text: &'t mut [u8; Self::MAX_LENGTH]) -> &'t str {
        let (mut at, mut rest) = (text.len(), self.seq);
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
        std::str::from_utf8(&text[at..]).unwrap_or_default()
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
