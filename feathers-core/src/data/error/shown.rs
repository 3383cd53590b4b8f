//! How an error is shown to the operators of the program, with its causes.

use std::error::Error as StdError;
use std::fmt;

use super::{Error, ErrorKind, INTERNAL};

/// What the log shows, and what a program prints whose `main` returns the error.
///
/// A [`ErrorKind::GeneralError`] has no class worth a word: it is shown by its message, or by its cause where the
/// message is the fixed text for clients.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind() == ErrorKind::GeneralError && self.code() == ErrorKind::GeneralError.code() {
            match &self.0.source {
                Some(cause) if self.0.message == INTERNAL => {
                    write!(f, "{cause}")?;
                    return causes(cause.source(), f);
                }
                _ => f.write_str(&self.0.message)?,
            }
        } else {
            write!(f, "{} ({}): {}", self.name(), self.code(), self.0.message)?;
        }
        if let Some(data) = &self.0.data {
            write!(f, ", data: {data}")?;
        }
        if let Some(errors) = &self.0.errors {
            write!(f, ", errors: {errors}")?;
        }
        causes(self.0.source.as_deref().map(|source| source as _), f)
    }
}

fn causes(mut source: Option<&dyn StdError>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    while let Some(cause) = source {
        write!(f, "\n  caused by: {cause}")?;
        source = cause.source();
    }
    Ok(())
}
