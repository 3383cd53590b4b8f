//! The names of channels at the proxy.
//!
//! A client is held on one channel for all of its events: that of the set of channels that it is in. Names hold
//! letters, digits and `-._~%+` only, so that nothing in them can end a header or begin a parameter, and at most
//! [`LONGEST`] bytes after the prefix.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The most bytes of a name without its prefix.
pub(crate) const LONGEST: usize = 200;
/// With more channels than this the name is made of a hash.
pub(crate) const MOST: usize = 20;

/// What stands for itself.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a text.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Names the channel of a set of channels, which are sorted; `named` streams have one of their own.
///
/// Small sets are joined with `+`, larger ones hashed by `digest`, which must have a key: a user who chooses names must
/// not find two sets with one hash.
pub(crate) fn of_set(prefix: &str, channels: &[Arc<str>], named: bool, digest: impl FnOnce(&[u8]) -> String) -> String {
    let kind = if named { "n" } else { "e" };
    let encoded: Vec<_> = channels.iter().take(MOST + 1).map(|name| encode(name)).collect();
    let length: usize = encoded.iter().map(|name| name.len() + 1).sum();
    if channels.len() <= MOST && length <= LONGEST {
        return format!("{prefix}{kind}-{}", encoded.join("+"));
    }
    let mut content = Vec::new();
    for name in channels {
        content.extend_from_slice(&name.len().to_be_bytes());
        content.extend_from_slice(name.as_bytes());
    }
    format!("{prefix}{kind}~{}", digest(&content))
}

/// Names the channel of one connection.
pub(crate) fn of_connection(prefix: &str, instance: &str, number: u64) -> String {
    format!("{prefix}c-{instance}-{number}")
}

/// Names the channel of one WebSocket, which is there before its connection.
pub(crate) fn of_socket(prefix: &str, id: &str) -> String {
    format!("{prefix}w-{id}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Enough to distinguish the sets of a test.
    fn digest(content: &[u8]) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        hasher.finish().to_string()
    }

    fn set(names: &[&str]) -> Vec<Arc<str>> {
        names.iter().map(|name| Arc::from(*name)).collect()
    }

    #[test]
    fn a_set_has_its_names_or_a_hash_of_them() {
        assert_eq!(of_set("", &set(&["a", "b c"]), false, digest), "e-a+b%20c");
        assert_eq!(of_set("app.", &set(&["a"]), true, digest), "app.n-a");
        assert_eq!(of_set("", &[], false, digest), "e-");
        assert_ne!(of_set("", &set(&["a+b"]), false, digest), of_set("", &set(&["a", "b"]), false, digest));
        let many: Vec<Arc<str>> = (0..21).map(|number| number.to_string().into()).collect();
        assert!(of_set("", &many, false, digest).starts_with("e~"));
        assert_ne!(of_set("", &many, false, digest), of_set("", &many[..20], false, digest));
    }

    #[test]
    fn nothing_in_a_name_ends_a_header() {
        assert_eq!(
            of_set("", &set(&["a;prev-id=1,b\r\nGrip-Hold: stream\"%"]), false, digest),
            "e-a%3Bprev-id%3D1%2Cb%0D%0AGrip-Hold%3A%20stream%22%25"
        );
    }

    proptest! {
        #[test]
        fn names_are_plain_and_bounded(names in proptest::collection::vec(any::<String>(), 0..30)) {
            let names: Vec<Arc<str>> = names.into_iter().map(Into::into).collect();
            let name = of_set("", &names, false, digest);
            prop_assert!(name.len() <= LONGEST + 2);
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%+".contains(&byte)));
        }
    }
}
