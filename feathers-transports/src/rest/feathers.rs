//! What middleware hands to the params of a call.

use std::fmt;

use http::Extensions;

/// Carries values from a tower or axum middleware to the params of the call: `req.feathers` of the original.
///
/// Put it among the extensions of the request; hooks and services read the values with
/// [`Params::get`](feathers_core::Params::get). Other extensions of the request do not reach them, so that nothing
/// gets there by accident.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use axum::extract::Request;
/// use axum::middleware::Next;
/// use axum::response::Response;
/// use feathers::transports::CallExtensions;
///
/// #[derive(Clone)]
/// struct Tenant(String);
///
/// async fn tenant(mut request: Request, next: Next) -> Response {
///     let feathers = request.extensions_mut().get_or_insert_default::<CallExtensions>();
///     feathers.insert(Tenant("acme".to_owned()));
///     next.run(request).await
/// }
/// ```
#[derive(Clone, Default)]
pub struct CallExtensions(Extensions);

impl CallExtensions {
    /// Adds a value and returns the earlier one of the same type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        self.0.insert(value)
    }

    pub(super) fn into_extensions(self) -> Extensions {
        self.0
    }
}

impl fmt::Debug for CallExtensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallExtensions").finish_non_exhaustive()
    }
}
