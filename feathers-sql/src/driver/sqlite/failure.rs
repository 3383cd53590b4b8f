//! Failures of statements, and what clients see of them: never SQL, never the names of tables.

use feathers_core::{Error, Schema, Unique};
use rusqlite::ffi;

use crate::constraint;
use crate::driver::closed;

/// Why a job did not work.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite says no.
    Sqlite(rusqlite::Error),
    /// The work had to end before it was done.
    Interrupted,
    /// A Feathers error that is for the caller as it is.
    Error(Error),
}

/// The result of work on a connection.
pub(super) type Outcome<T> = Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Failure {
    /// Tells whether the work took longer than it may, or would have to wait for another process.
    pub(super) fn is_overrun(&self) -> bool {
        self.is_interrupted() || self.code() == Some(rusqlite::ErrorCode::DatabaseBusy)
    }

    /// Tells whether the work had to end before it was done.
    pub(super) fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted) || self.code() == Some(rusqlite::ErrorCode::OperationInterrupted)
    }

    fn code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Interrupted | Self::Error(_) => None,
        }
    }

    /// Tells whether a record has an id that another one has.
    pub(super) fn is_taken_id(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        error.sqlite_error().is_some_and(|error| {
            matches!(error.extended_code, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID)
        })
    }

    /// Tells whether a record refers to one that does not exist, or is referred to.
    pub(super) fn is_of_reference(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
    }

    /// Returns the error for the caller; the one of SQLite is its source.
    pub(super) fn into_error(self, schema: &Schema) -> Error {
        let error = match self {
            Self::Error(error) => return error,
            Self::Interrupted => return closed(),
            Self::Sqlite(error) => error,
        };
        let Some(cause) = error.sqlite_error() else { return Error::internal(error) };
        if let Some(unique) = unique(&error, cause.extended_code, schema) {
            return unique.taken(schema).with_source(error);
        }
        let field = visible_field(&error, schema);
        let told = match (cause.extended_code, field) {
            (ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY, Some(field)) => {
                Error::conflict(format!("A record with this '{field}' exists already"))
            }
            (
                ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID,
                None,
            ) => Error::conflict("A record like this exists already"),
            (ffi::SQLITE_CONSTRAINT_NOTNULL, Some(field)) => Error::bad_request(format!("'{field}' must not be null")),
            (ffi::SQLITE_CONSTRAINT_FOREIGNKEY, _) => {
                Error::bad_request("A record that belongs to this one is missing, or still there")
            }
            _ => match cause.code {
                rusqlite::ErrorCode::ConstraintViolation => {
                    Error::bad_request("The data breaks a rule of the database")
                }
                rusqlite::ErrorCode::TooBig => Error::bad_request("The data is too large"),
                rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked => {
                    Error::unavailable("The database is busy")
                }
                rusqlite::ErrorCode::DiskFull => Error::unavailable("The database is full"),
                _ => return Error::internal(error),
            },
        };
        told.with_source(error)
    }
}

/// Finds the constraint that a message such as `UNIQUE constraint failed: users.name, users.age` speaks of.
fn unique(error: &rusqlite::Error, code: i32, schema: &Schema) -> Option<&'static Unique> {
    let rusqlite::Error::SqliteFailure(_, Some(message)) = error else { return None };
    let (_, columns) = message.rsplit_once(": ").filter(|_| code == ffi::SQLITE_CONSTRAINT_UNIQUE)?;
    let columns: Vec<_> =
        columns.split(", ").filter_map(|column| column.rsplit_once('.')).map(|(_, column)| column).collect();
    constraint::of_columns(&columns, schema)
}

/// Finds the field that a message such as `UNIQUE constraint failed: users.email` speaks of, if clients know it.
fn visible_field(error: &rusqlite::Error, schema: &Schema) -> Option<&'static str> {
    let rusqlite::Error::SqliteFailure(_, Some(message)) = error else { return None };
    let (_, column) = message.rsplit_once(": ")?;
    let (_, column) = column.rsplit_once('.')?;
    schema.field(column).filter(|field| !field.hidden).map(|field| field.name)
}
