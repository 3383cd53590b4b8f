//! From the untyped query to the typed one.

use serde_json::{Map, Value};

use crate::error::Result;
use crate::query::{Query, QueryOptions};
use crate::schema::Schema;

pub(super) fn parse(
    _raw: &Map<String, Value>,
    _schema: &Schema,
    _options: &QueryOptions,
    _external: bool,
) -> Result<Query> {
    Ok(Query::default())
}
