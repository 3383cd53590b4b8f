//! Cursors come from outside: every text is read or refused, and what is read is what was written.

use feathers_core::{Cursor, Since};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = text.parse::<Cursor>();
        let _ = text.parse::<Since>();
    }

    /// Nearly a cursor.
    #[test]
    fn what_is_read_is_what_was_written(text in "[0-9A-Za-zä-]{7,9}-?[0-9+ ]{0,21}") {
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
            let plain = text.len() <= 29 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            prop_assert!(plain, "{}", text);
        }
    }

    #[test]
    fn every_cursor_is_read(epoch in "[0-9A-Za-z]{8}", seq in any::<u64>()) {
        let text = format!("{epoch}-{seq}");
        let cursor: Cursor = text.parse().unwrap();
        prop_assert_eq!(cursor.seq(), seq);
        prop_assert_eq!(cursor.to_string(), text.clone());
        prop_assert_eq!(text.parse::<Since>().unwrap(), Since::Cursor(cursor));
    }
}
