//! Marks: the ids of what is published, which proxies give back as what a client has got last.

use feathers_core::{Cursor, Epoch};

/// What a channel's last item was.
///
/// As text it is the cursor of the event, `<epoch>-<seq>`. A hint is no event, and its text is `<epoch>-<base>h<seq>`:
/// events up to `base` were published before it. So a client that reconnects with it gets the event of the hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ItemId {
    epoch: Epoch,
    base: u64,
    seq: u64,
}

impl ItemId {
    /// Marks an event, or a place where a channel begins.
    pub(crate) fn event(cursor: Cursor) -> Self {
        Self { epoch: cursor.epoch(), base: cursor.seq(), seq: cursor.seq() }
    }

    /// Marks the hint of an event after this.
    pub(crate) fn hint(self, cursor: Cursor) -> Self {
        Self {
            epoch: cursor.epoch(),
            base: if self.epoch == cursor.epoch() { self.base } else { 0 },
            seq: cursor.seq(),
        }
    }

    /// Returns the place in the log.
    pub(crate) fn cursor(self) -> Cursor {
        Cursor::new(self.epoch, self.seq)
    }

    /// Reads up to where a client has got everything; `None` if the text is none of ours.
    pub(crate) fn delivered(text: &str) -> Option<Cursor> {
        // The last one: epochs have letters too.
        let Some((base, hint)) = text.rsplit_once('h').filter(|(base, _)| base.contains('-')) else {
            return text.parse().ok();
        };
        hint.parse::<u64>().ok()?;
        base.parse().ok()
    }
}

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { epoch, base, seq } = self;
        if base == seq { write!(f, "{epoch}-{seq}") } else { write!(f, "{epoch}-{base}h{seq}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_says_what_was_delivered_before_it() {
        let at = |seq| Cursor::new("hhhhhhhh".parse_epoch(), seq);
        let event = ItemId::event(at(5));
        let hint = event.hint(at(9));
        let second = hint.hint(at(11));
        assert_eq!((event.to_string(), hint.to_string()), ("hhhhhhhh-5".to_owned(), "hhhhhhhh-5h9".to_owned()));
        assert_eq!(second.to_string(), "hhhhhhhh-5h11");
        for mark in [event, hint, second] {
            assert_eq!(ItemId::delivered(&mark.to_string()), Some(at(5)), "{mark}");
        }
        for text in ["", "h", "hhhhhhhh", "hhhhhhhh-5h", "hhhhhhhh-h5", "hhhhhhhh-5hx", "hhhhhhhh--5", "hhhhhhhh-5;x"] {
            assert_eq!(ItemId::delivered(text), None, "{text}");
        }
    }

    trait ParseEpoch {
        fn parse_epoch(&self) -> Epoch;
    }

    impl ParseEpoch for str {
        fn parse_epoch(&self) -> Epoch {
            Epoch::new(self).unwrap()
        }
    }
}
