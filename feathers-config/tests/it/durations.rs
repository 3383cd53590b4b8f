//! Durations: what is read, and as what.

use std::time::Duration;

use feathers_config::duration::{deserialize, deserialize_option, parse};
use proptest::prelude::*;
use serde::Deserialize;

use crate::{Folder, variables};

const DAY: u64 = 86_400;

#[derive(Debug, PartialEq, Deserialize)]
struct Times {
    #[serde(deserialize_with = "deserialize")]
    expires_in: Duration,
    #[serde(default, deserialize_with = "deserialize_option")]
    timeout: Option<Duration>,
}

#[test]
fn texts() {
    for (text, milliseconds) in [
        ("1d", DAY * 1000),
        ("15m", 900_000),
        ("30s", 30_000),
        ("7 days", 7 * DAY * 1000),
        ("250ms", 250),
        ("2 Weeks", 14 * DAY * 1000),
        ("1y", 31_557_600_000),
        ("1.5 hours", 5_400_000),
        ("1h 30m", 5_400_000),
        ("1h30m", 5_400_000),
        (" 10 ", 10_000),
        ("0.25", 250),
        ("0", 0),
        // A capital makes no month of it.
        ("1M", 60_000),
    ] {
        assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
    }
}

#[test]
fn what_is_no_duration() {
    for text in ["", " ", "soon", "d", "1 fortnight", "-1d", "1,5h", "1h 30", ".", "1..5s", "1e9s", "inf", "∞ s"] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(parse(&format!("{}y", "9".repeat(30))), None);
    assert_eq!(parse("18446744073709549568s 18446744073709549568s"), None);
}

#[test]
fn files_and_variables() {
    let expected = |timeout| Times { expires_in: Duration::from_secs(DAY), timeout };
    for text in ["expires_in = '1d'", "expires_in = 86400", "expires_in = '86400'", "expires_in = 86400.0"] {
        assert_eq!(Folder::new(&[("default", text)]).load().all::<Times>().unwrap(), expected(None), "{text}");
    }
    for text in ["1d", "86400", "24 hours"] {
        let config = variables(&[("FEATHERS__EXPIRES_IN", text), ("FEATHERS__TIMEOUT", "1.5")]);
        assert_eq!(config.all::<Times>().unwrap(), expected(Some(Duration::from_millis(1500))), "{text}");
    }
    for text in ["expires_in = -1", "expires_in = -0.5", "expires_in = nan", "expires_in = true", "expires_in = 'x'"] {
        let error = Folder::new(&[("default", text)]).load().all::<Times>().unwrap_err();
        assert!(error.message().contains("expected a duration such as"), "{error}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ 0-9.a-zA-Zµ∞-]{0,24}") {
        parse(&text);
    }

    #[test]
    fn whole_numbers_of_units_are_exact(number in 0_u64..1_000_000) {
        prop_assert_eq!(parse(&format!("{number}ms")), Some(Duration::from_millis(number)));
        prop_assert_eq!(parse(&format!("{number} d")), Some(Duration::from_secs(number * DAY)));
    }
}
