//! One file: reading it, and saying where it is broken.

use std::error::Error as StdError;
use std::path::Path;
use std::{fmt, fs, io};

use ::config::{ConfigError, FileFormat, Format, Map, Source, Value};
use feathers_core::{Error, Result};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::origin;

/// The values of one file.
#[derive(Clone)]
pub(crate) struct File(Map<String, Value>);

impl File {
    /// Reads a file; one that is not there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::general(format!("{}: cannot be read: {error}", path.display()))),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let values = FileFormat::Toml.parse(Some(&origin::of_file(path)), text);
        values.map(|values| Some(Self(values))).map_err(|error| broken(path, text, error.as_ref()))
    }
}

/// Says where a file is broken, without the line itself: it may hold a secret.
///
/// The text is parsed once more for that: the error of the `config` crate shows the line, and is opaque.
fn broken(path: &Path, text: &str, error: &(dyn StdError + Send + Sync)) -> Error {
    let (start, message) = match DeTable::parse(text) {
        Err(error) => (error.span().map(|span| span.start), error.message().to_owned()),
        // Numbers were looked at later, where their place was not known any more.
        Ok(table) => (unfit(table.get_ref()), error.to_string().lines().last().unwrap_or_default().to_owned()),
    };
    let path = path.display();
    let Some(before) = start.and_then(|start| text.get(..start)) else {
        return Error::general(format!("{path}: is not valid TOML: {message}"));
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::general(format!("{path}:{line}:{column}: is not valid TOML: {message}"))
}

/// Finds the first number that is too large.
fn unfit(table: &DeTable<'_>) -> Option<usize> {
    fn within(value: &Spanned<DeValue<'_>>) -> Option<usize> {
        let fits = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).is_ok(),
            DeValue::Float(number) => {
                number.as_str().contains("inf") || !number.as_str().parse().is_ok_and(f64::is_infinite)
            }
            DeValue::Array(list) => return list.iter().find_map(within),
            DeValue::Table(table) => return unfit(table),
            _ => true,
        };
        (!fits).then(|| value.span().start)
    }

    table.iter().filter_map(|(_, value)| within(value)).min()
}

impl Source for File {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Values are not shown.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").finish_non_exhaustive()
    }
}
