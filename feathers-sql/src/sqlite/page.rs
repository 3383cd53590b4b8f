//! Pages that SQLite cannot cut out, because records are filtered or sorted in Rust.

use std::cmp::Ordering;
use std::sync::Arc;

use feathers_core::query::compare;
use feathers_core::{FieldPath, Found, Order, Query, Record};

/// One page that is being collected.
pub(super) struct Page<R> {
    records: Vec<Arc<R>>,
    sorted: bool,
    counts: bool,
    skip: usize,
    limit: usize,
    matched: usize,
}

impl<R: Record> Page<R> {
    pub(super) fn new(query: &Query, sorted: bool) -> Self {
        let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
        let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self { records: Vec::new(), sorted, counts: query.count, skip, limit, matched: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.sorted && !self.counts && self.records.len() >= self.limit
    }

    pub(super) fn push(&mut self, record: Arc<R>) {
        let in_page = self.matched >= self.skip && self.records.len() < self.limit;
        if !self.sorted || in_page {
            self.records.push(record);
        }
        self.matched += 1;
    }

    pub(super) fn finish(mut self, query: &Query) -> Found<R> {
        if !self.sorted {
            // Stable, and the rows came in the store's own order if the first words of the sort did not say otherwise.
            self.records.sort_by(|a, b| order(&query.sort, &**a, &**b));
            self.records = self.records.into_iter().skip(self.skip).take(self.limit).collect();
        }
        Found { records: self.records, total: self.counts.then_some(self.matched as u64) }
    }
}

fn order<R: Record>(sort: &[(FieldPath, Order)], a: &R, b: &R) -> Ordering {
    sort.iter().fold(Ordering::Equal, |order, (path, direction)| {
        order.then_with(|| {
            let order = compare(&a.lookup(path), &b.lookup(path));
            if *direction == Order::Descending { order.reverse() } else { order }
        })
    })
}
