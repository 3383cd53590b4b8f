//! Errors: each with its full text.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use feathers_config::{Config, duration};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{Folder, error_of, variables};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    #[expect(dead_code, reason = "the test reads only the error")]
    server: Option<Server>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    #[expect(dead_code, reason = "the test reads only the error")]
    port: u16,
    #[serde(default, deserialize_with = "duration::deserialize_option")]
    #[expect(dead_code, reason = "the test reads only the error")]
    timeout: Option<Duration>,
    #[serde(default)]
    #[expect(dead_code, reason = "the test reads only the error")]
    origins: Vec<String>,
    #[expect(dead_code, reason = "the test reads only the error")]
    mode: Option<Mode>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Slow,
}

#[test]
fn a_wrong_type_in_a_file() {
    assert_eq!(
        error_of::<App>("[server]\nport = '8080'"),
        r#"server.port (from config/default.toml): expected a whole number from 0 to 65535, found the text "8080""#
    );
    assert_eq!(
        error_of::<App>("[server]\nport = 80800"),
        "server.port (from config/default.toml): expected a whole number from 0 to 65535, found the number 80800"
    );
    assert_eq!(
        error_of::<App>("[server]\nport = 1.5"),
        "server.port (from config/default.toml): expected a whole number from 0 to 65535, found the number 1.5"
    );
    assert_eq!(
        error_of::<App>("[server]\nport = { number = 1 }"),
        "server.port (from config/default.toml): expected a whole number from 0 to 65535, found a table"
    );
    assert_eq!(
        error_of::<App>("server = true"),
        "server (from config/default.toml): expected a table, found the boolean true"
    );
    assert_eq!(
        error_of::<App>("[server]\nport = 1\norigins = ['a', 2]"),
        "server.origins[1] (from config/default.toml): expected a text, found the number 2"
    );
}

#[test]
fn the_file_that_counts_is_named() {
    let folder = Folder::new(&[("default", "[server]\nport = 1\nmode = 'fast'"), ("production", "server.port = true")]);
    let config = folder.builder().environment("production").load().unwrap();
    assert_eq!(
        folder.named(config.all::<App>().unwrap_err().message()),
        "server.port (from config/production.toml): expected a whole number from 0 to 65535, found the boolean true"
    );
}

#[test]
fn a_wrong_text_in_a_variable() {
    let port = variables(&[("FEATHERS__SERVER__PORT", "high")]).get::<Server>("server").unwrap_err();
    assert_eq!(
        port.message(),
        "server.port (from FEATHERS__SERVER__PORT): expected a whole number from 0 to 65535, found the text \"high\""
    );
    let flag = variables(&[("FEATHERS__FLAG", "maybe")]).get::<bool>("flag").unwrap_err();
    assert_eq!(flag.message(), "flag (from FEATHERS__FLAG): expected a boolean, found the text \"maybe\"");
    let list = variables(&[("FEATHERS__LIST", "1,two")]).get::<Vec<u8>>("list").unwrap_err();
    assert_eq!(
        list.message(),
        "list[1] (from FEATHERS__LIST): expected a whole number from 0 to 255, found the text \"two\""
    );
    let table = variables(&[("FEATHERS__SERVER", "x")]).get::<Server>("server").unwrap_err();
    assert_eq!(table.message(), "server (from FEATHERS__SERVER): expected a table, found the text \"x\"");
}

#[test]
fn a_wrong_duration() {
    assert_eq!(
        error_of::<App>("[server]\nport = 1\ntimeout = 'soon'"),
        "server.timeout (from config/default.toml): expected a duration such as \"15m\" or \"7 days\", or a number of \
         seconds, found the text \"soon\""
    );
}

#[test]
fn a_wrong_choice() {
    assert_eq!(
        error_of::<App>("[server]\nport = 1\nmode = 'medium'"),
        "server.mode (from config/default.toml): expected `fast` or `slow`, found the text \"medium\""
    );
    assert_eq!(
        error_of::<App>("[server]\nport = 1\nmode = { a = 1, b = 2 }"),
        "server.mode (from config/default.toml): expected a text, or a table with one key, found a table"
    );
}

#[test]
fn a_missing_key() {
    let missing = "server.port is missing: set it in config/default.toml or in FEATHERS__SERVER__PORT";
    assert_eq!(error_of::<App>("[server]\norigins = []"), missing);
    // A table that is missing as a whole is reported by the first key that it needs.
    assert_eq!(variables(&[]).get::<Server>("server").unwrap_err().message(), missing);
    assert_eq!(variables(&[]).get::<u16>("server.port").unwrap_err().message(), missing);
    assert_eq!(
        variables(&[]).get::<u16>("server.maxSize").unwrap_err().message(),
        "server.maxSize is missing: set it in config/default.toml or in FEATHERS__SERVER__maxSize"
    );
    assert_eq!(
        error_of::<BTreeMap<String, Vec<Server>>>("servers = [{}]"),
        "servers[0].port is missing: set it in config/default.toml"
    );
}

#[test]
fn an_unknown_key() {
    assert_eq!(
        error_of::<App>("[server]\nprot = 1"),
        "server.prot (from config/default.toml): unknown key, expected `port`, `timeout`, `origins` or `mode`"
    );
    let config = variables(&[("FEATHERS__SERVER__PROT", "1")]);
    assert_eq!(
        config.all::<App>().unwrap_err().message(),
        "server.prot (from FEATHERS__SERVER__PROT): unknown key, expected `port`, `timeout`, `origins` or `mode`"
    );
    assert_eq!(
        error_of::<App>("[servre]\nport = 1"),
        "servre (from config/default.toml): unknown key, expected `server`"
    );
}

#[test]
fn a_path_that_goes_through_a_value() {
    let folder = Folder::new(&[("default", "server = 8080")]);
    assert_eq!(
        folder.named(folder.load().get::<u16>("server.port").unwrap_err().message()),
        "server (from config/default.toml): expected a table, found the number 8080"
    );
}

#[test]
fn a_rule_of_the_app() {
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "u8")]
    struct Even(#[expect(dead_code, reason = "the test reads only the error")] u8);

    impl TryFrom<u8> for Even {
        type Error = &'static str;

        fn try_from(number: u8) -> Result<Self, Self::Error> {
            if number.is_multiple_of(2) { Ok(Self(number)) } else { Err("must be even") }
        }
    }

    assert_eq!(error_of::<BTreeMap<String, Even>>("workers = 3"), "workers (from config/default.toml): must be even");
}

#[test]
fn broken_toml() {
    let broken = |text: &str| {
        let folder = Folder::new(&[("local", text)]);
        folder.refusal(folder.builder())
    };
    let line = |line: &str| broken(line).replace("config/local.toml:", "");
    assert_eq!(
        broken("[server]\nport = 80\nmode = quick\n"),
        "config/local.toml:3:8: is not valid TOML: string values must be quoted, expected literal string"
    );
    assert_eq!(line("[server]\nport 80\n"), "2:6: is not valid TOML: key with no value, expected `=`");
    assert_eq!(line("a = 1\na = 2"), "2:1: is not valid TOML: duplicate key");
    assert_eq!(line("a = 'ä' x"), "1:9: is not valid TOML: unexpected key or value, expected newline, `#`");
    assert_eq!(line("\u{feff}a = 'ä' x"), "1:9: is not valid TOML: unexpected key or value, expected newline, `#`");
    assert_eq!(
        line("a = 1\nb = [1, 0xfffffffffffffffff]"),
        "2:9: is not valid TOML: number too large to fit in target type"
    );
    assert_eq!(line("a.b = { c = 1e999 }"), "1:13: is not valid TOML: floating-point number overflowed");
}

#[test]
fn a_file_that_cannot_be_read() {
    let folder = Folder::new(&[]);
    fs::write(folder.0.path().join("default.toml"), [b'a', 0xFF]).unwrap();
    assert_eq!(
        folder.refusal(folder.builder()),
        "config/default.toml: cannot be read: stream did not contain valid UTF-8"
    );
}

#[test]
fn a_name_that_is_no_key() {
    let error = |name: &str| Config::builder().variables([(name, "x")]).load().unwrap_err().message().to_owned();
    let rule = "is no name for a key, which has letters, digits, `-` and `_`, with `__` between the parts of the key";
    for name in ["FEATHERS__", "FEATHERS__A____B", "FEATHERS__A.B", "FEATHERS__A__"] {
        assert_eq!(error(name), format!("{name}: {rule}"));
    }
}

#[test]
fn two_variables_for_one_key() {
    let error = |one, other| Config::builder().variables([(one, "x"), (other, "y")]).load().unwrap_err();
    assert_eq!(
        error("FEATHERS__A__B", "FEATHERS__A").message(),
        "FEATHERS__A and FEATHERS__A__B set the same key: only one of them can count"
    );
    assert_eq!(
        error("FEATHERS__A", "FEATHERS__a").message(),
        "FEATHERS__A and FEATHERS__a set the same key: only one of them can count"
    );
}

#[test]
fn a_name_that_is_no_environment() {
    let error = Config::builder().variables([("FEATHERS_ENV", "../other")]).load().unwrap_err();
    assert_eq!(error.message(), "../other: is no name of an environment, which has letters, digits, `-`, `_` and `.`");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let bytes = OsStr::from_bytes(&[0xFF]);
    let error = Config::builder().variables([("FEATHERS__A", bytes)]).load().unwrap_err();
    assert_eq!(error.message(), "FEATHERS__A: is not valid UTF-8");
    // What sets no key may be anything.
    assert!(Config::builder().variables([("OTHER", bytes)]).load().is_ok());
}

#[test]
fn of_two_problems_the_same_one_is_told() {
    for _ in 0..20 {
        let message = error_of::<BTreeMap<String, u8>>("b = 'x'\na = 'x'\nc = 'x'");
        assert!(message.starts_with("a (from"), "{message}");
    }
    assert!(variables(&[]).all::<IgnoredAny>().is_ok());
}
