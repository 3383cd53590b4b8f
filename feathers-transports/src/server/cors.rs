//! Cross-origin requests: which pages may call.

use feathers_core::{Error, Result};
use http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::kit::origin::Trusted;
use crate::rest::EVENT_CURSOR;
use crate::server::request_id::REQUEST_ID;

/// Says which pages browsers let call the server from another origin.
///
/// Preflights are answered with a 204; they allow all methods of the transports and the headers that were asked for.
/// Pages can read `Event-Cursor`, `ETag`, `Retry-After` and `X-Request-Id` of the answers.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use feathers::transports::Cors;
///
/// let cors = Cors::origins(["https://app.example.com"]).credentials();
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    /// None are all.
    origins: Option<Vec<String>>,
    credentials: bool,
}

impl Cors {
    /// Lets every page call, without cookies.
    pub fn any() -> Self {
        Self { origins: None, credentials: false }
    }

    /// Lets the pages of these origins call. An origin is scheme, host and port, without a slash at the end; another
    /// text is an error of the start.
    pub fn origins<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self { origins: Some(origins.into_iter().map(Into::into).collect()), credentials: false }
    }

    /// Lets pages send cookies too, also when they open a WebSocket or Socket.IO. Together with [`Cors::any`] it is an
    /// error of the start: every page on the web could then act for its visitors.
    pub fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Returns the origins whose pages may send cookies, if there are some.
    pub(super) fn trusted(&self) -> Option<Trusted> {
        self.origins.as_deref().filter(|_| self.credentials).map(|origins| Trusted(origins.into()))
    }

    pub(super) fn layer(&self) -> Result<CorsLayer> {
        let origins = match &self.origins {
            None if self.credentials => {
                return Err(Error::general("CORS with credentials needs a list of origins: Cors::origins"));
            }
            None => AllowOrigin::any(),
            Some(origins) => AllowOrigin::list(origins.iter().map(|text| origin(text)).collect::<Result<Vec<_>>>()?),
        };
        let methods = [Method::GET, Method::HEAD, Method::PUT, Method::PATCH, Method::POST, Method::DELETE];
        let exposed: [HeaderName; 4] = [EVENT_CURSOR, header::ETAG, header::RETRY_AFTER, REQUEST_ID];
        Ok(CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(AllowMethods::list(methods))
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(ExposeHeaders::list(exposed))
            .allow_credentials(self.credentials))
    }
}

fn origin(text: &str) -> Result<HeaderValue> {
    let wrong = || Error::general(format!("'{text}' is no origin, such as 'https://app.example.com'"));
    let (scheme, host) = text.split_once("://").ok_or_else(wrong)?;
    if scheme.is_empty() || host.is_empty() || host.contains(['/', '*', '?', '#']) {
        return Err(wrong());
    }
    HeaderValue::try_from(text).map_err(|_| wrong())
}
