//! The configuration of an app: every layer in one, read by type.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use ::config::{Config as Layers, Source, Value, ValueKind};
use feathers_core::Result;
use serde::de::{DeserializeOwned, Error as _, Unexpected};

use crate::builder::Builder;
use crate::node::Node;
use crate::problem::Problem;

/// The configuration: files, then variables, each over the ones before.
///
/// It does not change once it is loaded. `Debug` shows where values come from, and never a value.
#[derive(Clone)]
pub struct Config {
    environment: String,
    folder: PathBuf,
    sources: Vec<String>,
    notices: Vec<String>,
    root: Value,
}

impl Config {
    /// Reads the folder `config`, or the one that `FEATHERS_CONFIG_DIR` names, and the variables of the process.
    ///
    /// # Errors
    /// Those of [`Builder::load`].
    pub fn load() -> Result<Self> {
        Self::builder().variables(std::env::vars_os()).load()
    }

    /// Reads this folder, for this environment or the one of `FEATHERS_ENV`, and the variables of the process.
    ///
    /// # Errors
    /// Those of [`Builder::load`].
    pub fn from_dir(folder: impl Into<PathBuf>, environment: Option<&str>) -> Result<Self> {
        let builder = Self::builder().folder(folder).variables(std::env::vars_os());
        match environment {
            Some(environment) => builder.environment(environment).load(),
            None => builder.load(),
        }
    }

    /// Makes a builder, which knows no variables of the process.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(
        environment: String,
        folder: PathBuf,
        sources: Vec<String>,
        notices: Vec<String>,
        layers: &Layers,
    ) -> Result<Self> {
        Ok(Self { environment, folder, sources, notices, root: Value::new(None, layers.collect()?) })
    }

    /// Reads one key, such as `authentication` or `server.port`.
    ///
    /// A key that is nowhere is `None` for an `Option`, and a struct is made of its defaults.
    ///
    /// # Errors
    /// A value that does not fit, with its key, where it came from, and what was expected.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        self.read(key).map_err(|problem| problem.into_error(&self.folder))
    }

    /// Reads everything.
    ///
    /// # Errors
    /// A value that does not fit, with its key, where it came from, and what was expected.
    pub fn all<T: DeserializeOwned>(&self) -> Result<T> {
        Node::read(&self.root, PhantomData).map_err(|problem| problem.into_error(&self.folder))
    }

    /// Returns the name of the environment, such as `production`.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Returns the files and variables that were read, the weakest first.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(String::as_str)
    }

    /// Returns what was said when it was read: that there is no folder with files, or no file for the environment that
    /// was named.
    pub fn notices(&self) -> impl Iterator<Item = &str> {
        self.notices.iter().map(String::as_str)
    }

    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<T, Problem> {
        let mut value = &self.root;
        let mut above = String::new();
        for segment in key.split('.') {
            value = match &value.kind {
                ValueKind::Table(table) => match table.get(segment) {
                    Some(value) => value,
                    None => return T::deserialize(Node::Absent).map_err(|problem| problem.under(key)),
                },
                kind => return Err(Problem::invalid_type(unexpected(kind), &"a table").at(value).under(&above)),
            };
            above = if above.is_empty() { segment.into() } else { format!("{above}.{segment}") };
        }
        Node::read(value, PhantomData).map_err(|problem| problem.under(key))
    }
}

fn unexpected(kind: &ValueKind) -> Unexpected<'_> {
    match kind {
        ValueKind::Nil => Unexpected::Unit,
        ValueKind::Boolean(boolean) => Unexpected::Bool(*boolean),
        ValueKind::I64(number) => Unexpected::Signed(*number),
        ValueKind::U64(number) => Unexpected::Unsigned(*number),
        ValueKind::Float(number) => Unexpected::Float(*number),
        ValueKind::I128(_) | ValueKind::U128(_) => Unexpected::Other("number"),
        ValueKind::String(text) => Unexpected::Str(text),
        ValueKind::Table(_) => Unexpected::Map,
        ValueKind::Array(_) => Unexpected::Seq,
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("environment", &self.environment)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}
