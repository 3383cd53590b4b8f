//! What a hook may set for one call of a store's service, and the service for all.

use crate::call::method::Method;
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
}

impl CrudOptions {
    /// Turns pagination off for a call.
    pub const fn unpaginated() -> Self {
        Self { paginate: Some(None), multi: None }
    }

    /// Turns pagination on for a call.
    pub const fn paginated(limit: u64) -> Self {
        Self { paginate: Some(Some(Paginate::new(limit))), multi: None }
    }
}
