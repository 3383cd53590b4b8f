//! Types: what a file says has one, what a variable says is read by the one that is needed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Folder, variables};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Slow { seconds: u8 },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Port(u16);

#[derive(Debug, PartialEq, Deserialize)]
struct Everything {
    text: String,
    digits: String,
    letter: char,
    flag: bool,
    small: i8,
    large: u64,
    ratio: f64,
    list: Vec<u16>,
    pair: (String, u8),
    mode: Mode,
    port: Port,
    given: Option<u8>,
    missing: Option<u8>,
    #[serde(default)]
    defaulted: u8,
}

fn everything() -> Everything {
    Everything {
        text: "a text".into(),
        digits: "007".into(),
        letter: 'x',
        flag: true,
        small: -7,
        large: 9_000_000_000,
        ratio: 0.5,
        list: vec![1, 2],
        pair: ("a".into(), 1),
        mode: Mode::Fast,
        port: Port(8080),
        given: Some(3),
        missing: None,
        defaulted: 0,
    }
}

#[test]
fn a_file_gives_every_type() {
    let file = "
        text = 'a text'
        digits = '007'
        letter = 'x'
        flag = true
        small = -7
        large = 9000000000
        ratio = 0.5
        list = [1, 2]
        pair = ['a', 1]
        mode = 'fast'
        port = 8080
        given = 3
    ";
    assert_eq!(Folder::new(&[("default", file)]).load().all::<Everything>().unwrap(), everything());
}

#[test]
fn variables_give_every_type() {
    let config = variables(&[
        ("FEATHERS__TEXT", "a text"),
        ("FEATHERS__DIGITS", "007"),
        ("FEATHERS__LETTER", "x"),
        ("FEATHERS__FLAG", "true"),
        ("FEATHERS__SMALL", "-7"),
        ("FEATHERS__LARGE", "9000000000"),
        ("FEATHERS__RATIO", "0.5"),
        ("FEATHERS__LIST", "1, 2"),
        ("FEATHERS__PAIR", "a,1"),
        ("FEATHERS__MODE", "fast"),
        ("FEATHERS__PORT", "8080"),
        ("FEATHERS__GIVEN", "3"),
    ]);
    assert_eq!(config.all::<Everything>().unwrap(), everything());
}

#[test]
fn an_enum_with_fields_is_a_table_with_one_key() {
    let folder = Folder::new(&[("default", "mode.slow.seconds = 7")]);
    assert_eq!(folder.load().get::<Mode>("mode").unwrap(), Mode::Slow { seconds: 7 });
    let config = folder.builder().variables([("FEATHERS__MODE__SLOW__SECONDS", "9")]).load().unwrap();
    assert_eq!(config.get::<Mode>("mode").unwrap(), Mode::Slow { seconds: 9 });
}

#[test]
fn booleans_of_variables_have_several_spellings() {
    for (text, expected) in [("1", true), ("Yes", true), ("on", true), ("0", false), ("no", false), ("OFF", false)] {
        assert_eq!(variables(&[("FEATHERS__FLAG", text)]).get::<bool>("flag").unwrap(), expected, "{text}");
    }
}

#[test]
fn an_empty_variable_is_an_empty_list_or_text() {
    let config = variables(&[("FEATHERS__X", "")]);
    assert_eq!(config.get::<Vec<String>>("x").unwrap(), Vec::<String>::new());
    assert_eq!(config.get::<String>("x").unwrap(), "");
}

#[test]
fn flattened_fields_are_guessed() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        port: u16,
        flag: bool,
        name: String,
        version: String,
    }

    let config = variables(&[
        ("FEATHERS__PORT", "8080"),
        ("FEATHERS__FLAG", "true"),
        ("FEATHERS__NAME", "a name"),
        ("FEATHERS__VERSION", "1.10"),
    ]);
    let inner = Inner { port: 8080, flag: true, name: "a name".into(), version: "1.10".into() };
    assert_eq!(config.all::<Outer>().unwrap(), Outer { inner });
}

#[test]
fn keys_of_tables_have_types_too() {
    let folder = Folder::new(&[("default", "[limits]\n1 = 'one'\n20 = 'twenty'")]);
    let limits: BTreeMap<u8, String> = folder.load().get("limits").unwrap();
    assert_eq!(limits, BTreeMap::from([(1, "one".into()), (20, "twenty".into())]));
}

#[test]
fn a_struct_of_defaults_needs_no_table() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default)]
    struct Limits {
        size: u32,
    }

    impl Default for Limits {
        fn default() -> Self {
            Self { size: 10 }
        }
    }

    assert_eq!(variables(&[]).get::<Limits>("limits").unwrap(), Limits { size: 10 });
}
