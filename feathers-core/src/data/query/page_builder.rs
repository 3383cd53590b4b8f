//! The page of a query, found one record at a time.
//!
//! A store that filters or sorts by itself can stop between any two records, and holds no more of them than the page
//! needs.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::data::query::{FieldPath, FindResult, Order, Query, compare};
use crate::data::record::Record;

/// Collects the records of one page out of all that match.
///
/// Records that sort alike stay in the order in which they come.
#[derive(Debug)]
pub struct PageBuilder<R> {
    page: Vec<Arc<R>>,
    /// `None` if the records come in the wanted order.
    ranking: Option<BTreeSet<Ranked<R>>>,
    sort: Arc<[(FieldPath, Order)]>,
    counts: bool,
    skip: usize,
    limit: usize,
    matched: usize,
}

impl<R: Record> PageBuilder<R> {
    /// Takes the page that a query asks for; `sorted` says that the records come in its order.
    pub fn new(query: &Query, sorted: bool) -> Self {
        Self {
            page: Vec::new(),
            ranking: (!sorted).then(BTreeSet::new),
            sort: query.sort.as_slice().into(),
            counts: query.count,
            skip: usize::try_from(query.skip).unwrap_or(usize::MAX),
            limit: query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
            matched: 0,
        }
    }

    /// Tells whether further records change nothing.
    pub fn is_full(&self) -> bool {
        self.ranking.is_none() && !self.counts && self.page.len() >= self.limit
    }

    /// Adds a record that matches.
    pub fn push(&mut self, record: Arc<R>) {
        if let Some(ranking) = &mut self.ranking {
            let ranked = Ranked { sort: self.sort.clone(), record, came: self.matched };
            if ranking.len() < self.skip.saturating_add(self.limit) {
                ranking.insert(ranked);
            } else if ranking.last().is_some_and(|last| ranked < *last) {
                ranking.pop_last();
                ranking.insert(ranked);
            }
        } else if self.matched >= self.skip && self.page.len() < self.limit {
            self.page.push(record);
        }
        self.matched += 1;
    }

    /// Returns the page, and how many have matched if the query asks for it.
    pub fn finish(self) -> FindResult<R> {
        let records = match self.ranking {
            Some(ranking) => ranking.into_iter().skip(self.skip).map(|ranked| ranked.record).collect(),
            None => self.page,
        };
        FindResult { records, total: self.counts.then_some(self.matched as u64) }
    }
}

#[derive(Debug)]
struct Ranked<R> {
    sort: Arc<[(FieldPath, Order)]>,
    record: Arc<R>,
    /// How many came before it.
    came: usize,
}

impl<R: Record> Ord for Ranked<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.sort, &*self.record, &*other.record).then(self.came.cmp(&other.came))
    }
}

impl<R: Record> PartialOrd for Ranked<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R: Record> PartialEq for Ranked<R> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<R: Record> Eq for Ranked<R> {}

/// Orders two records as a query says.
pub(crate) fn order<R: Record>(sort: &[(FieldPath, Order)], a: &R, b: &R) -> Ordering {
    sort.iter().fold(Ordering::Equal, |order, (path, direction)| {
        order.then_with(|| {
            let (a, b) = (a.lookup(path), b.lookup(path));
            let order = path.position(&a).cmp(&path.position(&b)).then_with(|| compare(&a, &b));
            if *direction == Order::Descending { order.reverse() } else { order }
        })
    })
}
