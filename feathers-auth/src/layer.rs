//! The middleware: routes of your own behind a login.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use feathers_core::{Error, Headers, Params, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use tower::{Layer, Service};

use crate::auth::Auth;
use crate::authenticated::Authenticated;
use crate::hook::IntoStrategies;

/// Lets only requests through whose sender has logged in; others get a 401 as services answer it.
///
/// The login, an [`Authenticated`], stands among the extensions of the request.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
/// use feathers::App;
/// use feathers::auth::{Auth, AuthConfig, Authenticated, Authentication};
///
/// let mut app = App::new();
/// let auth = Authentication::new(AuthConfig::new("a secret of 32 bytes or more, please")).jwt().install(&mut app);
/// let layer = auth.layer("jwt");
/// // axum: Router::new().route("/report", get(report)).layer(layer), where
/// // async fn report(Extension(who): Extension<Authenticated>) -> ..
/// # let _ = layer;
/// ```
#[derive(Clone)]
pub struct AuthLayer {
    auth: Auth,
    strategies: Arc<[String]>,
}

impl Auth {
    /// Returns a middleware that lets only requests through with valid credentials for one of these strategies.
    pub fn layer(&self, strategies: impl IntoStrategies) -> AuthLayer {
        AuthLayer { auth: self.clone(), strategies: strategies.into_strategies().into() }
    }

    /// Authenticates the caller of a request with these headers.
    ///
    /// # Errors
    /// An anonymous caller, and credentials that are not valid: a 401.
    pub async fn authenticate_headers(&self, headers: &Headers, strategies: &[String]) -> Result<Authenticated> {
        let credentials = self.parse(headers).ok_or_else(|| Error::not_authenticated("Not authenticated"))?;
        let mut params = Params::new();
        params.headers = headers.clone();
        self.authenticate(&credentials, &params, strategies).await
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, layer: self.clone() }
    }
}

/// The service that [`AuthLayer`] makes.
#[derive(Clone)]
pub struct AuthService<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that is ready is taken, and its copy waits for the next request.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let AuthLayer { auth, strategies } = self.layer.clone();
        async move {
            let headers = Headers::from(request.headers().clone());
            match auth.authenticate_headers(&headers, &strategies).await {
                Ok(login) => {
                    request.extensions_mut().insert(login);
                    inner.call(request).await
                }
                Err(error) => Ok(refusal(&error)),
            }
        }
        .boxed()
    }
}

fn refusal<R: From<String>>(error: &Error) -> Response<R> {
    let mut response = Response::new(R::from(error.to_value().to_string()));
    *response.status_mut() = StatusCode::from_u16(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("strategies", &self.strategies).finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for AuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("layer", &self.layer).finish_non_exhaustive()
    }
}
