//! What a hook may set for one call of a store's service, and the service for all.

use std::sync::{Arc, OnceLock};

use crate::call::method::Method;
use crate::data::field::FieldValue;
use crate::data::query::Paginate;

/// Which methods may change several records at once: by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Multi {
    /// None.
    #[default]
    None,
    /// `create`, `patch` and `remove`.
    All,
    /// These.
    Methods(Vec<Method>),
}

impl Multi {
    /// Tells whether a method may change several records.
    pub fn allows(&self, method: &Method) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Methods(methods) => methods.contains(method),
        }
    }
}

impl From<bool> for Multi {
    fn from(all: bool) -> Self {
        if all { Self::All } else { Self::None }
    }
}

impl<M: Into<Method>, const N: usize> From<[M; N]> for Multi {
    fn from(methods: [M; N]) -> Self {
        Self::Methods(methods.into_iter().map(Into::into).collect())
    }
}

/// Options for one call, which a hook puts into [`Params`](crate::Params); they come before the service's own.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CrudOptions {
    /// Page sizes; `Some(None)` turns pagination off.
    pub paginate: Option<Option<Paginate>>,
    /// Which methods may change several records.
    pub multi: Option<Multi>,
    /// How many records a find returns for each value of a field.
    pub(crate) per_key: Option<Arc<KeyedFind>>,
}

/// How many records a find returns for each value of a field: those that are related to other records.
#[derive(Debug)]
pub(crate) struct KeyedFind {
    pub(crate) field: Arc<str>,
    pub(crate) limit: u64,
    pub(crate) total: bool,
    /// How many there may be at all, plus one.
    pub(crate) most: u64,
    totals: OnceLock<Vec<(FieldValue, u64)>>,
}

impl KeyedFind {
    pub(crate) fn new(field: &str, limit: u64, total: bool, most: u64) -> Self {
        Self { field: field.into(), limit, total, most, totals: OnceLock::new() }
    }

    /// Notes how many there are for each value.
    pub(crate) fn note(&self, totals: Vec<(FieldValue, u64)>) {
        self.totals.get_or_init(|| totals);
    }

    pub(crate) fn totals(&self) -> &[(FieldValue, u64)] {
        self.totals.get().map_or(&[], Vec::as_slice)
    }
}

impl CrudOptions {
    /// Turns pagination off for a call.
    pub const fn unpaginated() -> Self {
        Self { paginate: Some(None), multi: None, per_key: None }
    }

    /// Turns pagination on for a call.
    pub const fn paginated(limit: u64) -> Self {
        Self { paginate: Some(Some(Paginate::new(limit))), multi: None, per_key: None }
    }
}
