//! The control endpoint of a proxy: one request brings items, and says what became of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feathers_core::{Error, Result};
use http::{StatusCode, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::config::GripProxy;
use super::key::Key;

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where a proxy takes items.
pub(super) struct Endpoint {
    url: String,
    client: reqwest::Client,
    access: Access,
}

/// The credentials for the control endpoint.
enum Access {
    Open,
    Plain(String),
    Token { iss: String, algorithm: Algorithm, key: EncodingKey },
}

/// Why a request has failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may go well later.
    Later(String),
    /// Something in it can never be taken.
    Never(String),
}

impl Endpoint {
    /// Makes the endpoints of all proxies; a setting that cannot be is an error with its name.
    pub(super) fn all(proxies: &[GripProxy]) -> Result<Vec<Self>> {
        let no_redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().no_proxy().redirect(no_redirects).timeout(TIMEOUT).build();
        let client = client.map_err(|error| Error::general("grip: no HTTP client can be made").with_source(error))?;
        let endpoint = |(index, proxy): (usize, &GripProxy)| {
            let url = proxy.publish_url(&format!("grip: `proxies[{index}].control_uri`"))?;
            Ok(Self { url, client: client.clone(), access: Access::new(proxy, index)? })
        };
        proxies.iter().enumerate().map(endpoint).collect()
    }

    /// Brings a publication.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<(), Failure> {
        let request = self.client.post(&self.url).header(header::CONTENT_TYPE, "application/json").body(body);
        let request = match self.access.token().map_err(|error| Failure::Later(error.to_string()))? {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        // The error would name the URL.
        let response = request.send().await.map_err(|error| Failure::Later(error.without_url().to_string()))?;
        let status = response.status();
        // Read to its end, so that the connection is used again.
        let _ = response.bytes().await;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                Err(Failure::Never(status.to_string()))
            }
            status => Err(Failure::Later(status.to_string())),
        }
    }
}

impl Access {
    fn new(proxy: &GripProxy, index: usize) -> Result<Self> {
        let place = format!("grip: `proxies[{index}].key`");
        let key = proxy.key.as_ref().map(|text| Key::read(text, &place)).transpose()?;
        Ok(match (key, &proxy.control_iss) {
            (None, None) => Self::Open,
            (None, Some(_)) => return Err(Error::general(format!("{place} is missing, and `control_iss` needs it"))),
            (Some(key), None) => Self::Plain(key.plain()),
            (Some(key), Some(iss)) => {
                let (algorithm, key) = key.signing(&place)?;
                Self::Token { iss: iss.clone(), algorithm, key }
            }
        })
    }

    fn token(&self) -> Result<Option<String>> {
        Ok(match self {
            Self::Open => None,
            Self::Plain(key) => Some(key.clone()),
            Self::Token { iss, algorithm, key } => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
                let claims = json!({ "iss": iss, "exp": now + 600 });
                let header = Header::new(*algorithm);
                Some(jsonwebtoken::encode(&header, &claims, key).map_err(Error::internal)?)
            }
        })
    }
}
