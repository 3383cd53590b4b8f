//! Data: records and their schemas, payloads, queries, and every error.

pub(crate) mod data_type;
pub(crate) mod draft;
pub mod duration;
pub(crate) mod error;
pub(crate) mod field;
pub(crate) mod field_names;
pub(crate) mod fit;
pub(crate) mod guard;
pub(crate) mod id;
pub(crate) mod json_buffer;
pub(crate) mod mask;
pub(crate) mod normal_form;
pub(crate) mod number;
pub(crate) mod payload;
pub mod query;
pub(crate) mod record;
pub(crate) mod related;
pub(crate) mod rights;
pub(crate) mod schema;
pub(crate) mod selection;
pub(crate) mod text;
pub(crate) mod type_schema;
pub(crate) mod types;
pub(crate) mod vet;
pub(crate) mod violation;
