//! Keys of programs, in a header.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use feathers_core::{API_KEY, AppHandle, Credentials, Error, Headers, Params, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use subtle::{Choice, ConstantTimeEq};

use super::{Identity, Strategy};
use crate::auth::Auth;
use crate::authentication::Authentication;
use crate::config::AuthConfig;

/// The name of the strategy.
const NAME: &str = "api-key";
/// The field of the key.
const FIELD: &str = "apiKey";

type Lookup = dyn Fn(String, AppHandle) -> BoxFuture<'static, Result<Option<Identity>>> + Send + Sync;

/// The strategy `api-key`: a key in the header `x-api-key`, or as `apiKey` in a login.
pub struct ApiKey {
    header: String,
    lookup: Arc<Lookup>,
}

impl ApiKey {
    /// Knows a few keys, each with the name of the program whose it is; the name is the claim `apiKeyName`.
    ///
    /// A key is compared with all of them in the same time, however alike they are.
    pub fn keys<N: Into<String>, K: Into<String>>(keys: impl IntoIterator<Item = (N, K)>) -> Self {
        let keys: Arc<[(String, String)]> = keys.into_iter().map(|(name, key)| (name.into(), key.into())).collect();
        Self::lookup(move |credentials, _| {
            let mut found = None;
            for (name, key) in &*keys {
                let same: Choice = key.as_bytes().ct_eq(credentials.as_bytes());
                if bool::from(same) {
                    found = Some(Identity::claims([("apiKeyName", name.as_str())]));
                }
            }
            std::future::ready(Ok(found))
        })
    }

    /// Asks a function of yours, such as one that looks for the hash of the key in a service.
    pub fn lookup<Fut: Future<Output = Result<Option<Identity>>> + Send + 'static>(
        lookup: impl Fn(String, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> Self {
        Self { header: API_KEY.as_str().to_owned(), lookup: Arc::new(move |key, app| lookup(key, app).boxed()) }
    }

    /// Reads the key from another header.
    pub fn header(mut self, name: &str) -> Self {
        name.clone_into(&mut self.header);
        self
    }
}

impl Authentication {
    /// Lets programs log in with a key.
    pub fn api_key(self, keys: ApiKey) -> Self {
        self.strategy("api-key", keys)
    }
}

#[async_trait]
impl Strategy for ApiKey {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, auth: &Auth) -> Result<Identity> {
        let wrong = || Error::not_authenticated("Invalid API key");
        let key = credentials.text(FIELD).filter(|key| !key.is_empty()).ok_or_else(wrong)?;
        (self.lookup)(key.to_owned(), auth.app()?.clone()).await?.ok_or_else(wrong)
    }

    fn parse(&self, headers: &Headers, _auth: &Auth) -> Option<Credentials> {
        Some(Credentials::of(NAME, FIELD, headers.value(&self.header)?))
    }

    fn headers(&self, _config: &AuthConfig) -> Vec<String> {
        vec![self.header.clone()]
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("header", &self.header).finish_non_exhaustive()
    }
}
