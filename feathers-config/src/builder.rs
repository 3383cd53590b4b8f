//! The builder: which folder, which environment, which variables.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use ::config::Config as Layers;
use feathers_core::{Error, Result};

use crate::config::Config;
use crate::file::File;
use crate::variable;

const ENVIRONMENT: &str = "FEATHERS_ENV";
const FOLDER: &str = "FEATHERS_CONFIG_DIR";

/// Reads a [`Config`] from where you say.
///
/// It knows no variable but those that it is given, so that a test need not change those of its process.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod config { pub use feathers_config::*; } }
/// # fn main() -> feathers::Result<()> {
/// use feathers::config::Config;
///
/// let variables = [("FEATHERS_ENV", "test"), ("FEATHERS__SERVER__PORT", "8080")];
/// let config = Config::builder().variables(variables).load()?;
///
/// assert_eq!(config.environment(), "test");
/// assert_eq!(config.get::<u16>("server.port")?, 8080);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Builder {
    folder: Option<PathBuf>,
    environment: Option<String>,
    variables: Vec<(OsString, OsString)>,
}

impl Builder {
    /// Says in which folder the files are, whatever `FEATHERS_CONFIG_DIR` says; the folder must be there.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Says for which environment, whatever `FEATHERS_ENV` says.
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Adds variables: `FEATHERS_ENV`, `FEATHERS_CONFIG_DIR`, and those that set keys. Others do not matter.
    pub fn variables<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Reads the files and the variables.
    ///
    /// # Errors
    /// A file that cannot be read or is no TOML, with its place, and a variable that no key can have.
    pub fn load(self) -> Result<Config> {
        let environment = self.chosen_environment()?;
        let folder = self.chosen_folder()?;

        let notices: Vec<String> = self.missing(&folder, &environment).into_iter().collect();
        for notice in &notices {
            say(notice);
        }

        let mut layers = Layers::builder();
        let mut sources = Vec::new();
        for name in ["default", &environment, "local"] {
            let path = folder.join(format!("{name}.toml"));
            if let Some(file) = File::read(&path)? {
                sources.push(path.display().to_string());
                layers = layers.add_source(file);
            }
        }
        for variable in variable::collect(&self.variables)? {
            let name = variable.name;
            let refused = |error| Error::general(format!("{name}: {error}"));
            layers = layers.set_override(variable.key, variable.value).map_err(refused)?;
            sources.push(name);
        }
        Config::new(environment, folder, sources, notices, &layers.build()?)
    }

    fn chosen_environment(&self) -> Result<String> {
        let given = self.environment.as_deref().map(OsStr::new).or_else(|| self.variable(ENVIRONMENT));
        let Some(given) = given else { return Ok("development".into()) };
        let usual = |character: char| character.is_alphanumeric() || "-_.".contains(character);
        match given.to_str() {
            Some(name) if name.chars().all(usual) && !name.starts_with('.') => Ok(name.into()),
            _ => Err(Error::general(format!(
                "{}: is no name of an environment, which has letters, digits, `-`, `_` and `.`",
                given.display()
            ))),
        }
    }

    fn chosen_folder(&self) -> Result<PathBuf> {
        let (folder, origin) = match (&self.folder, self.variable(FOLDER)) {
            (Some(folder), _) => (folder.as_path(), String::new()),
            (None, Some(folder)) => (Path::new(folder), format!(" (from {FOLDER})")),
            // An app may do without files.
            (None, None) => return Ok(PathBuf::from("config")),
        };
        if folder.is_dir() {
            Ok(folder.to_owned())
        } else {
            Err(Error::general(format!("{}{origin}: there is no such folder", folder.display())))
        }
    }

    /// Says which file or folder is not there although the settings speak of it, or the place is the usual one.
    fn missing(&self, folder: &Path, environment: &str) -> Option<String> {
        if !folder.is_dir() {
            let inside = std::env::current_dir().map(|inside| format!(" in {}", inside.display())).unwrap_or_default();
            return Some(format!("there is no folder `{}`{inside}: only variables are read", folder.display()));
        }
        let origin = match (&self.environment, self.variable(ENVIRONMENT)) {
            (Some(_), _) => String::new(),
            (None, Some(_)) => format!(" (from {ENVIRONMENT})"),
            // It is the default, which needs no file of its own.
            (None, None) => return None,
        };
        let file = folder.join(format!("{environment}.toml"));
        let missing = !file.exists();
        missing.then(|| format!("there is no file {} for the environment `{environment}`{origin}", file.display()))
    }

    /// Returns the text of a variable; an empty one counts as none, and of two of the same name the last counts.
    fn variable(&self, name: &str) -> Option<&OsStr> {
        let (_, text) = self.variables.iter().rev().find(|(candidate, _)| candidate == name)?;
        Some(text.as_os_str()).filter(|text| !text.is_empty())
    }
}

/// Warns in the log, or on standard error where no log is set up yet, as is usual when settings are read.
#[expect(clippy::print_stderr, reason = "the log begins later, often with what is read here")]
fn say(notice: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!("configuration: {notice}");
    } else {
        eprintln!("configuration: {notice}");
    }
}

/// Shows no variables.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("folder", &self.folder)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
