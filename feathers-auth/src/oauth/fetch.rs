//! Requests to providers, which are trusted with nothing: neither the size of an answer, nor its time, nor where it
//! leads.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use feathers_core::{Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Client, Request};

/// The most that is read of one answer.
const MOST_BYTES: usize = 256 << 10;

/// Asks providers. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Fetch(Client);

impl Fetch {
    pub(super) fn new(timeout: Duration) -> Result<Self> {
        let client = Client::builder()
            .user_agent("feathers-rs")
            .timeout(timeout)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .build()
            .map_err(|error| Error::general("authentication: oauth has no client for HTTPS").with_source(error))?;
        Ok(Self(client))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let mut response = self.0.execute(Request::try_from(request)?).await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    /// Reads a document, with a token or without.
    pub(super) async fn document(&self, url: &str, token: Option<&str>) -> Result<Vec<u8>, FetchError> {
        let mut request = http::Request::get(url).header(http::header::ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = self.send(request.body(Vec::new())?).await?;
        match answer.status() {
            http::StatusCode::OK => Ok(answer.into_body()),
            status => Err(FetchError::Status(status)),
        }
    }
}

/// The library asks by the same rules.
impl<'c> AsyncHttpClient<'c> for Fetch {
    type Error = FetchError;
    type Future = BoxFuture<'c, Result<HttpResponse, FetchError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

/// Why a provider has not answered; it is for the log.
#[derive(Debug)]
pub(super) enum FetchError {
    TooLarge,
    Status(http::StatusCode),
    Request(http::Error),
    Http(reqwest::Error),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "the answer has more than {MOST_BYTES} bytes"),
            Self::Status(status) => write!(f, "the answer is a {status}"),
            Self::Request(_) => f.write_str("the request cannot be written"),
            Self::Http(_) => f.write_str("the request failed"),
        }
    }
}

impl StdError for FetchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::TooLarge | Self::Status(_) => None,
            Self::Request(error) => Some(error),
            Self::Http(error) => Some(error),
        }
    }
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

impl From<http::Error> for FetchError {
    fn from(error: http::Error) -> Self {
        Self::Request(error)
    }
}
