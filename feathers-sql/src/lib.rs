//! Stores in SQL databases.

/// A database.
#[derive(Debug)]
pub struct Database {}
