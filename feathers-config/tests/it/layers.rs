//! Layers: which file counts, and what is over what.

use std::collections::BTreeMap;
use std::process::Command;
use std::{env, fs};

use feathers_config::{Builder, Config};

use crate::{Folder, variables};

const FILES: [(&str, &str); 4] = [
    ("default", "[place]\ndefault = 'default'\nenv = 'default'\nlocal = 'default'\nvariable = 'default'"),
    ("test", "[place]\nenv = 'test'\nlocal = 'test'\nvariable = 'test'"),
    ("production", "[place]\nenv = 'production'"),
    ("local", "[place]\nlocal = 'local'\nvariable = 'local'"),
];

#[test]
fn each_layer_is_over_the_ones_before() {
    let folder = Folder::new(&FILES);
    let config =
        folder.builder().environment("test").variables([("FEATHERS__PLACE__VARIABLE", "variable")]).load().unwrap();

    let place: BTreeMap<String, String> = config.get("place").unwrap();
    let expected = [("default", "default"), ("env", "test"), ("local", "local"), ("variable", "variable")];
    assert_eq!(place, expected.map(|(key, value)| (key.into(), value.into())).into());
}

#[test]
fn the_environment_is_chosen_by_the_call_then_by_the_variable() {
    let folder = Folder::new(&FILES);
    let env = |variables: &[(&str, &str)], environment: Option<&str>| {
        let builder = folder.builder().variables(variables.iter().copied());
        let builder = environment.into_iter().fold(builder, Builder::environment);
        let config = builder.load().unwrap();
        (config.environment().to_owned(), config.get::<String>("place.env").unwrap())
    };
    assert_eq!(env(&[], None), ("development".into(), "default".into()));
    assert_eq!(env(&[("FEATHERS_ENV", "")], None), ("development".into(), "default".into()));
    assert_eq!(env(&[("FEATHERS_ENV", "production")], None), ("production".into(), "production".into()));
    assert_eq!(env(&[("FEATHERS_ENV", "production")], Some("test")), ("test".into(), "test".into()));
}

#[test]
fn the_folder_is_chosen_by_the_variable() {
    let folder = Folder::new(&FILES);
    let config = Config::builder().variables([("FEATHERS_CONFIG_DIR", folder.0.path())]).load().unwrap();
    assert_eq!(config.get::<String>("place.default").unwrap(), "default");
}

#[test]
fn a_folder_that_is_named_must_be_there() {
    let folder = Folder::new(&[]);
    let gone = folder.0.path().join("gone");
    assert_eq!(folder.refusal(Config::builder().folder(&gone)), "config/gone: there is no such folder");
    let variables = Config::builder().variables([("FEATHERS_CONFIG_DIR", &gone)]);
    assert_eq!(folder.refusal(variables), "config/gone (from FEATHERS_CONFIG_DIR): there is no such folder");
}

#[test]
fn the_short_form_reads_a_folder_too() {
    let folder = Folder::new(&FILES);
    let config = Config::from_dir(folder.0.path(), Some("test")).unwrap();
    assert_eq!(config.get::<String>("place.env").unwrap(), "test");
}

#[test]
fn what_is_not_there_is_said() {
    let folder = Folder::new(&FILES);
    let said = |builder: Builder| {
        let config = builder.load().unwrap();
        config.notices().map(|notice| folder.named(notice)).collect::<Vec<_>>()
    };
    let nosuch = [("FEATHERS_ENV", "nosuch")];
    assert_eq!(
        said(folder.builder().variables(nosuch)),
        ["there is no file config/nosuch.toml for the environment `nosuch` (from FEATHERS_ENV)"]
    );
    assert_eq!(
        said(folder.builder().environment("staging")),
        ["there is no file config/staging.toml for the environment `staging`"]
    );
    // The default needs no file, and need not be named if it has one.
    assert_eq!(said(folder.builder()), [""; 0]);
    assert_eq!(said(folder.builder().variables([("FEATHERS_ENV", "production")])), [""; 0]);
    let here = env::current_dir().unwrap();
    assert_eq!(
        said(Config::builder().variables(nosuch)),
        [format!("there is no folder `config` in {}: only variables are read", here.display())]
    );
}

#[test]
fn what_is_not_there_is_said_on_standard_error() {
    const TEST: &str = "layers::what_is_not_there_is_said_on_standard_error";
    if env::var_os("FEATHERS__CHILD").is_some() {
        Config::load().unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let said = || {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .envs([("FEATHERS_ENV", "nosuch"), ("FEATHERS__CHILD", "1")])
            .env_remove("FEATHERS_CONFIG_DIR")
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8(child.stderr).unwrap()
    };
    assert!(said().contains("configuration: there is no folder `config` in "), "{}", said());
    fs::create_dir(folder.path().join("config")).unwrap();
    let path = std::path::Path::new("config").join("nosuch.toml");
    let expected =
        format!("configuration: there is no file {} for the environment `nosuch` (from FEATHERS_ENV)", path.display());
    assert!(said().contains(&expected), "{}", said());
}

#[test]
fn the_process_is_read() {
    const TEST: &str = "layers::the_process_is_read";
    // Variables of this process cannot be changed safely, so that the test runs itself in another one.
    if env::var_os("FEATHERS__CHILD").is_some() {
        let config = Config::load().unwrap();
        assert_eq!(config.get::<String>("place.env").unwrap(), "production");
        assert_eq!(
            config.get::<u8>("place.default").unwrap_err().message(),
            "place.default (from config/default.toml): expected a whole number from 0 to 255, found the text \"default\""
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("config")).unwrap();
    for (name, text) in FILES {
        fs::write(folder.path().join(format!("config/{name}.toml")), text).unwrap();
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST])
        .envs([("FEATHERS_ENV", "production"), ("FEATHERS__CHILD", "1")])
        .env_remove("FEATHERS_CONFIG_DIR")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8(child.stdout).unwrap();
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
fn every_layer_may_be_missing() {
    let config = Config::builder().load().unwrap();
    assert_eq!(config.all::<BTreeMap<String, String>>().unwrap(), BTreeMap::new());
    assert_eq!(config.get::<Option<String>>("place.env").unwrap(), None);
}

#[test]
fn lists_are_replaced_and_tables_are_merged() {
    let folder = Folder::new(&[
        ("default", "list = [1, 2, 3]\nkind = 1\n[table]\na = 1\nb = 1"),
        ("development", "list = [4]\ntable.b = 2\n[kind]\nname = 'a table now'"),
    ]);
    let config = folder.load();
    assert_eq!(config.get::<Vec<u8>>("list").unwrap(), [4]);
    assert_eq!(
        config.get::<BTreeMap<String, u8>>("table").unwrap(),
        BTreeMap::from([("a".into(), 1), ("b".into(), 2)])
    );
    assert_eq!(config.get::<String>("kind.name").unwrap(), "a table now");
}

#[test]
fn capitals_are_how_variables_are_written_and_small_letters_count_as_they_are() {
    let config = variables(&[
        ("FEATHERS__AUTHENTICATION__EXPIRES_IN", "upper"),
        ("FEATHERS__authentication__expiresIn", "camel"),
        ("FEATHERS__SERVER__HTTP-PORT", "dash"),
        ("FEATHERS_SERVER", "no key"),
        ("HOME", "no key"),
    ]);
    assert_eq!(config.get::<String>("authentication.expires_in").unwrap(), "upper");
    assert_eq!(config.get::<String>("authentication.expiresIn").unwrap(), "camel");
    assert_eq!(config.get::<String>("server.http-port").unwrap(), "dash");
    assert_eq!(config.all::<BTreeMap<String, BTreeMap<String, String>>>().unwrap().len(), 2);
}

#[test]
fn what_was_read_is_told_in_order() {
    let folder = Folder::new(&FILES);
    let config = folder.builder().environment("test").variables([("FEATHERS__B", "1"), ("FEATHERS__A", "1")]).load();
    let sources: Vec<String> = config.unwrap().sources().map(|source| folder.named(source)).collect();
    assert_eq!(sources, ["config/default.toml", "config/test.toml", "config/local.toml", "FEATHERS__A", "FEATHERS__B"]);
}

#[test]
fn of_the_same_variable_the_last_one_counts() {
    let builder = Config::builder().variables([("FEATHERS_ENV", "one"), ("FEATHERS__A", "1")]);
    let config = builder.variables([("FEATHERS_ENV", "two"), ("FEATHERS__A", "2")]).load().unwrap();
    assert_eq!((config.environment(), config.get::<u8>("a").unwrap()), ("two", 2));
}
