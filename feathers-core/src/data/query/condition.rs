//! Conditions: which records of one type are meant, made of typed fields.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

use crate::data::query::{Filter, normal};

/// Which records of type `R` are meant.
///
/// [`TypedField`](crate::query::TypedField) makes one of a field and a value; `&`, `|` and `!` join them.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::Document;
/// use feathers::query::{Condition, TypedField};
///
/// const OWNER: TypedField<Document, i64> = TypedField::new("owner");
/// const STATUS: TypedField<Document, String> = TypedField::new("status");
///
/// fn editable(user: i64, is_admin: bool) -> Condition<Document> {
///     OWNER.eq(user) & !STATUS.eq("closed") | is_admin.into()
/// }
/// # let _ = editable;
/// ```
pub struct Condition<R> {
    filter: Filter,
    record: PhantomData<fn() -> R>,
}

impl<R> Condition<R> {
    /// Means every record.
    pub const fn all() -> Self {
        Self::of(Filter::All)
    }

    /// Means no record.
    pub const fn none() -> Self {
        Self::of(Filter::NONE)
    }

    pub(crate) const fn of(filter: Filter) -> Self {
        Self { filter, record: PhantomData }
    }

    /// Returns the filter, flattened and sorted: conditions that mean the same in other words are equal then.
    pub fn into_filter(self) -> Filter {
        normal::normal(self.filter)
    }
}

/// `true` means every record, and `false` none.
impl<R> From<bool> for Condition<R> {
    fn from(all: bool) -> Self {
        if all { Self::all() } else { Self::none() }
    }
}

/// Means the records that both mean.
impl<R> BitAnd for Condition<R> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self::of(Filter::And(vec![self.filter, other.filter]))
    }
}

/// Means the records that at least one of both means.
impl<R> BitOr for Condition<R> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::of(Filter::Or(vec![self.filter, other.filter]))
    }
}

/// Means all other records, those without a value included.
impl<R> Not for Condition<R> {
    type Output = Self;

    fn not(self) -> Self {
        Self::of(normal::negated(self.filter))
    }
}

impl<R> Clone for Condition<R> {
    fn clone(&self) -> Self {
        Self::of(self.filter.clone())
    }
}

impl<R> PartialEq for Condition<R> {
    fn eq(&self, other: &Self) -> bool {
        self.filter == other.filter
    }
}

impl<R> fmt::Debug for Condition<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.filter).finish()
    }
}
