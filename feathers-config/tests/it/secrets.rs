//! Secrets: no error and no debug output shows one.

use std::collections::BTreeMap;

use feathers_config::Config;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::{Folder, error_of, variables};

const VALUE: &str = "hunter2";

#[test]
fn a_value_is_not_shown_where_the_key_looks_like_a_secret() {
    assert_eq!(
        error_of::<BTreeMap<String, u8>>("client_secret = 'hunter2'"),
        "client_secret (from config/default.toml): expected a whole number from 0 to 255, found a text (not shown, \
         since the key looks like a secret)"
    );
    for name in ["SECRET", "DB_PASSWORD", "API_KEY", "TOKENS", "A__SECRET__B", "PASSPHRASE", "CREDENTIALS"] {
        let variable = format!("FEATHERS__{name}");
        let key = name.to_lowercase().replace("__", ".");
        let error = variables(&[(&variable, VALUE)]).get::<u8>(&key).unwrap_err();
        assert!(error.message().starts_with(&format!("{key} (from {variable})")), "{error}");
        assert!(!format!("{error:?}").contains(VALUE), "{error}");
    }
}

#[test]
fn a_value_in_a_list_of_secrets_is_not_shown() {
    assert_eq!(
        error_of::<BTreeMap<String, Vec<u8>>>("tokens = [1, 'hunter2']"),
        "tokens[1] (from config/default.toml): expected a whole number from 0 to 255, found a text (not shown, \
         since the key looks like a secret)"
    );
}

#[test]
fn a_url_with_a_password_is_not_shown() {
    assert_eq!(
        error_of::<BTreeMap<String, u8>>("database = 'postgres://me:hunter2@host/db'"),
        "database (from config/default.toml): expected a whole number from 0 to 255, found a text"
    );
}

#[test]
fn a_message_of_the_app_is_not_shown_where_it_repeats_a_secret() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "BTreeMap<String, String>")]
    struct Picky(#[expect(dead_code, reason = "the test reads only the error")] u8);

    impl TryFrom<BTreeMap<String, String>> for Picky {
        type Error = String;

        fn try_from(table: BTreeMap<String, String>) -> Result<Self, String> {
            Err(format!("{table:?} is not what I like"))
        }
    }

    let refusal = "is not accepted; the reason is not shown, since it may hold a secret";
    assert_eq!(
        error_of::<BTreeMap<String, Picky>>("[login]\npassword = 'hunter2'"),
        format!("login (from config/default.toml): {refusal}")
    );
    assert_eq!(
        error_of::<BTreeMap<String, Picky>>("[login]\nname = 'ann'"),
        r#"login (from config/default.toml): {"name": "ann"} is not what I like"#
    );
    assert_eq!(
        error_of::<BTreeMap<String, Picky>>("[secrets]\nname = 'ann'"),
        format!("secrets (from config/default.toml): {refusal}")
    );
}

#[test]
fn a_flattened_field_is_not_shown() {
    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(flatten)]
        _inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "the test reads only the error")]
        secret: u8,
    }

    assert_eq!(
        error_of::<BTreeMap<String, Outer>>("[login]\nsecret = 'hunter2'"),
        "login (from config/default.toml): expected a whole number from 0 to 255, found a text"
    );
}

#[test]
fn an_error_that_is_wrapped_is_not_shown() {
    #[derive(Debug)]
    struct Wrapped;

    impl<'de> Deserialize<'de> for Wrapped {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            u8::deserialize(deserializer).map_err(|error| D::Error::custom(format!("no level: {error}")))?;
            Ok(Self)
        }
    }

    let error = |name, key| variables(&[(name, VALUE)]).get::<Wrapped>(key).unwrap_err();
    assert_eq!(
        error("FEATHERS__LEVEL", "level").message(),
        "level (from FEATHERS__LEVEL): no level: expected a whole number from 0 to 255, found the text \"hunter2\""
    );
    assert_eq!(
        error("FEATHERS__SECRET", "secret").message(),
        "secret (from FEATHERS__SECRET): is not accepted; the reason is not shown, since it may hold a secret"
    );
}

#[test]
fn a_broken_line_is_not_shown() {
    for line in ["secret = 'hunter2", "secret = hunter2", "secret = 'hunter2' x", "secret = \"\\qhunter2\""] {
        let folder = Folder::new(&[("default", line)]);
        let error = folder.builder().load().unwrap_err();
        assert!(error.message().contains("default.toml:1:"), "{error}");
        assert!(!format!("{error:?}").contains(VALUE), "{error}");
    }
}

#[test]
fn debug_output_shows_no_values() {
    let folder = Folder::new(&[("default", "name = 'hunter2'")]);
    let builder = folder.builder().variables([("FEATHERS__OTHER", VALUE)]);
    assert!(!format!("{builder:?}").contains(VALUE));
    let config: Config = builder.load().unwrap();
    assert_eq!(
        folder.named(&format!("{config:?}")),
        r#"Config { environment: "development", sources: ["config/default.toml", "FEATHERS__OTHER"], .. }"#
    );
    assert!(config.all::<IgnoredAny>().is_ok());
}

#[test]
fn a_long_text_is_shortened() {
    let text = "ä".repeat(100);
    let error = error_of::<BTreeMap<String, u8>>(&format!("text = '{text}'"));
    assert!(error.ends_with(&format!("found the text \"{}\"…", "ä".repeat(60))), "{error}");
}
