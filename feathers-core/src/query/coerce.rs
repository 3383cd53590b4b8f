//! Coercion of query values to the types of the schema.
