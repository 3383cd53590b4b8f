//! Evaluation of filters and sorts on typed values.

use std::cmp::Ordering;

use crate::field::FieldRef;
use crate::query::{FieldPath, Filter};

pub(super) fn matches<'a>(_filter: &Filter, _lookup: &impl Fn(&FieldPath) -> FieldRef<'a>) -> bool {
    true
}

pub(super) fn compare(_a: &FieldRef<'_>, _b: &FieldRef<'_>) -> Ordering {
    Ordering::Equal
}
