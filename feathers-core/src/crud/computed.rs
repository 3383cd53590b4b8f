//! Computed fields: filled in when records leave the store. A record that the store keeps is copied for it.

use std::sync::Arc;

use crate::data::record::Record;

/// Fills the computed fields of a record in.
pub(super) fn fill<R: Record>(mut record: Arc<R>) -> Arc<R> {
    if R::COMPUTES {
        Arc::make_mut(&mut record).compute();
    }
    record
}

/// Fills the computed fields of records in.
pub(super) fn fill_all<R: Record>(mut records: Vec<Arc<R>>) -> Vec<Arc<R>> {
    if R::COMPUTES {
        for record in &mut records {
            Arc::make_mut(record).compute();
        }
    }
    records
}
