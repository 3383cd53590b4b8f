//! Requests that come twice.
//!
//! When a kept-alive connection is reset before the first byte of an answer, browsers send the request again by
//! themselves, a POST too, and the page does not notice. A second poll would take the next packets and leave those of
//! the lost answer out, and a second POST would run its calls twice. Clients put another `t` into the URL of every
//! request, so the same `t` is the same request once more. Without `t` nothing is taken for a repeat.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;

/// The longest `t`; those of clients have about ten letters. A longer one is none.
const LONGEST: usize = 64;

/// The most bytes of an answer that is kept. A client whose larger answer is lost is closed, and reconnects.
const KEPT: usize = 256 << 10;

/// What a client calls one of its requests: its `t`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark(Box<str>);

impl Mark {
    pub(super) fn new(text: Option<&str>) -> Option<Self> {
        text.filter(|text| !text.is_empty() && text.len() <= LONGEST).map(|text| Self(text.into()))
    }
}

/// The last answer to a poll, until the next poll shows that it has arrived.
#[derive(Debug)]
pub(super) struct Kept {
    mark: Mark,
    /// `None` if it was too large.
    body: Option<Bytes>,
}

impl Kept {
    pub(super) fn new(mark: Mark, body: &Bytes) -> Self {
        Self { mark, body: (body.len() <= KEPT).then(|| body.clone()) }
    }

    /// Tells whether this is the answer to a request.
    pub(super) fn is_of(&self, mark: &Mark) -> bool {
        self.mark == *mark
    }

    pub(super) fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }
}

/// A POST that has come, as it is known again: another body under the same `t` is another POST.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    mark: Mark,
    length: usize,
    digest: u64,
}

impl Sent {
    pub(super) fn new(mark: Mark, body: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(body);
        Self { mark, length: body.len(), digest: hasher.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str) -> Option<Mark> {
        Mark::new(Some(text))
    }

    #[test]
    fn a_request_is_known_by_its_mark() {
        assert_eq!((Mark::new(None), mark(""), mark(&"x".repeat(LONGEST + 1))), (None, None, None));
        let (one, other) = (mark("one").unwrap(), mark("other").unwrap());
        let kept = Kept::new(one.clone(), &Bytes::from_static(b"2"));
        assert!(kept.is_of(&one) && !kept.is_of(&other));
        assert_eq!(kept.body().map(|body| &body[..]), Some(&b"2"[..]));
        assert_eq!(Kept::new(one.clone(), &vec![b'x'; KEPT + 1].into()).body(), None);
        let sent = |mark: &Mark, body: &[u8]| Sent::new(mark.clone(), body);
        assert_eq!(sent(&one, b"42[]"), sent(&one, b"42[]"));
        assert_ne!(sent(&one, b"42[]"), sent(&one, b"42{}"));
        assert_ne!(sent(&one, b"42[]"), sent(&other, b"42[]"));
    }
}
