//! The configuration: its layers, its types, and what each error says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod durations;
mod errors;
mod layers;
mod secrets;
mod types;

use std::fs;

use feathers_config::{Builder, Config};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

/// A folder with files, which is gone at the end of the test.
struct Folder(TempDir);

impl Folder {
    /// Writes files, each a name without `.toml` and what it says.
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.0.path().join(format!("{name}.toml")), text).unwrap();
        }
        folder
    }

    fn builder(&self) -> Builder {
        Config::builder().folder(self.0.path())
    }

    fn load(&self) -> Config {
        self.builder().load().unwrap()
    }

    /// Returns what the error of loading says, with the folder called `config`.
    fn refusal(&self, builder: Builder) -> String {
        self.named(builder.load().unwrap_err().message())
    }

    fn named(&self, message: &str) -> String {
        message.replace(self.0.path().to_str().unwrap(), "config")
    }
}

/// Returns what the error says when this file is read as a `T`.
fn error_of<T: DeserializeOwned>(file: &str) -> String {
    let folder = Folder::new(&[("default", file)]);
    let error = folder.load().all::<T>().err().unwrap();
    folder.named(error.message())
}

/// Returns a configuration of variables only.
fn variables(variables: &[(&str, &str)]) -> Config {
    Config::builder().variables(variables.iter().copied()).load().unwrap()
}
