//! What a find returns: a page of records.

use std::sync::Arc;

/// What a find returns.
#[derive(Clone, Debug)]
pub struct FindResult<R> {
    /// The records of the page.
    pub records: Vec<Arc<R>>,
    /// The number of all matches, if the query asked for it.
    pub total: Option<u64>,
}
