//! Callers: whose events fill the log, so that one of them does not push out those of all others.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::OnceLock;

use crate::event::connection::Connection;

/// Names a caller from outside: by the subject of its connection, else by its address, else by its connection.
///
/// It is a hash with a secret key. The addresses of IPv6 count by their /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller(NonZeroU64);

/// A table by callers, which are hashes already.
pub(super) type ByCaller<T> = HashMap<Caller, T, BuildHasherDefault<Hashed>>;

/// Takes a hash for what it is.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        // A caller is one number; anything else would only be slow.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Caller {
    /// Names the caller of a call from outside.
    pub(crate) fn of(connection: Option<&Connection>, address: Option<IpAddr>) -> Self {
        match (connection.and_then(Connection::subject), address) {
            (Some(subject), _) => Self::hash(("subject", subject)),
            (None, Some(address)) => match address.to_canonical() {
                IpAddr::V4(address) => Self::hash(address),
                IpAddr::V6(address) => Self::hash(address.to_bits() >> 64),
            },
            (None, None) => Self::hash(connection.map(Connection::number)),
        }
    }

    /// Names a user by the subject.
    pub(crate) fn user(subject: &str) -> Self {
        Self::hash(("subject", subject))
    }

    fn hash(name: impl std::hash::Hash) -> Self {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        Self(NonZeroU64::new(KEY.get_or_init(RandomState::new).hash_one(name)).unwrap_or(NonZeroU64::MIN))
    }
}
