//! One provider: how a login goes there, and the profile that it answers with.

use std::borrow::Cow;
use std::fmt;

use feathers_core::{Error, Result};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::config::ProviderConfig;
use super::fetch::{Fetch, FetchError};
use super::id_token::IdTokens;
use super::session::{Session, random};
use super::target::is_loopback;
use super::{preset, profile};

/// What a token's answer has besides the usual.
#[derive(Debug, Serialize, Deserialize)]
struct IdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

type Tokens = StandardTokenResponse<IdToken, BasicTokenType>;

type Client = oauth2::Client<
    BasicErrorResponse,
    Tokens,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// A provider whose settings are checked.
pub(super) struct Provider {
    client: Client,
    scope: Vec<Scope>,
    profile_url: Option<Url>,
    id_tokens: Option<IdTokens>,
    nonce: bool,
    /// The address of the callback, where the settings name it.
    pub(super) redirect_uri: Option<Url>,
}

/// What a login gives: the profile, and the tokens that are valid at the provider.
pub(super) struct Granted {
    pub(super) profile: Map<String, Value>,
    pub(super) access_token: String,
    pub(super) refresh_token: Option<String>,
}

impl Provider {
    /// Checks the settings of a provider; what is wrong is named.
    pub(super) fn new(name: &str, config: &ProviderConfig) -> Result<Self> {
        let config = preset::complete(name, config);
        let keys = Keys { provider: name };
        if config.key.is_empty() {
            return Err(keys.wrong("key", "is missing"));
        }
        if config.secret.expose().is_empty() {
            return Err(keys.wrong("secret", "is missing"));
        }
        let id_tokens = IdTokens::new(name, &config)?;
        let profile_url = config.profile_url.as_deref().map(|text| keys.url("profile_url", text)).transpose()?;
        if id_tokens.is_none() && profile_url.is_none() {
            return Err(keys.wrong("profile_url", "is missing, and there is no `issuer` of an id_token either"));
        }
        if config.nonce.is_some() && id_tokens.is_none() {
            return Err(keys.wrong("nonce", "needs an `issuer`"));
        }
        let scope = config.scope.unwrap_or_default();
        if id_tokens.is_some() && !scope.iter().any(|one| one == "openid") {
            return Err(keys.wrong("scope", "must hold `openid`, since there is an `issuer`"));
        }
        let client = oauth2::Client::new(ClientId::new(config.key))
            .set_client_secret(ClientSecret::new(config.secret.expose().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::from_url(keys.required("authorize_url", config.authorize_url.as_deref())?))
            .set_token_uri(TokenUrl::from_url(keys.required("token_url", config.token_url.as_deref())?));
        Ok(Self {
            client,
            scope: scope.into_iter().map(Scope::new).collect(),
            profile_url,
            nonce: id_tokens.is_some() && config.nonce.unwrap_or(true),
            id_tokens,
            redirect_uri: config.redirect_uri.as_deref().map(|text| keys.url("redirect_uri", text)).transpose()?,
        })
    }

    /// Begins a login: returns where the browser goes, and notes in the session what its answer is checked with.
    pub(super) fn begin(&self, callback: &Url, session: &mut Session) -> Url {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        verifier.secret().clone_into(&mut session.verifier);
        session.nonce = self.nonce.then(random);
        let redirect = RedirectUrl::from_url(callback.clone());
        let state = || CsrfToken::new(session.state.clone());
        let mut request = self.client.authorize_url(state).set_redirect_uri(Cow::Owned(redirect));
        request = request.add_scopes(self.scope.iter().cloned()).set_pkce_challenge(challenge);
        if let Some(nonce) = &session.nonce {
            request = request.add_extra_param("nonce", nonce);
        }
        request.url().0
    }

    /// Tells whether the answer names another issuer than this provider.
    pub(super) fn is_foreign(&self, issuer: Option<&str>) -> bool {
        matches!((&self.id_tokens, issuer), (Some(own), Some(issuer)) if own.issuer() != issuer)
    }

    /// Exchanges the code, and reads the profile of the user.
    pub(super) async fn finish(&self, code: &str, callback: &Url, session: &Session, fetch: &Fetch) -> Result<Granted> {
        let tokens = self.exchange(code, callback, session, fetch).await?;
        let access_token = tokens.access_token().secret().clone();
        let mut profile = Map::new();
        if let Some(id_tokens) = &self.id_tokens {
            let text = tokens.extra_fields().id_token.as_deref();
            let text = text.ok_or_else(|| Error::not_authenticated("The provider has sent no id_token"))?;
            profile = id_tokens.verify(text, session.nonce.as_deref(), fetch).await?;
        }
        if let Some(url) = &self.profile_url {
            let document = fetch.document(url.as_str(), Some(&access_token)).await;
            let document = document.map_err(|error| unreachable_provider("profile", error))?;
            let more: Map<String, Value> =
                serde_json::from_slice(&document).map_err(|error| unreachable_provider("profile", error))?;
            profile = profile::merge(profile, more)?;
        }
        let refresh_token = tokens.refresh_token().map(|token| token.secret().clone());
        Ok(Granted { profile, access_token, refresh_token })
    }

    async fn exchange(&self, code: &str, callback: &Url, session: &Session, fetch: &Fetch) -> Result<Tokens> {
        let redirect = RedirectUrl::from_url(callback.clone());
        let request = self
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(session.verifier.clone()))
            .set_redirect_uri(Cow::Owned(redirect));
        request.request_async(fetch).await.map_err(refused)
    }
}

/// Turns the library's error into one that says nothing of the inside; the log has the rest.
fn refused(error: RequestTokenError<FetchError, BasicErrorResponse>) -> Error {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            tracing::warn!(error = %answer.error(), "a provider has refused a code");
            Error::not_authenticated("The provider has refused the code")
        }
        // The body of the answer may hold a token.
        RequestTokenError::Parse(error, _) => unreachable_provider("token", error.into_inner()),
        RequestTokenError::Request(error) => unreachable_provider("token", error),
        RequestTokenError::Other(what) => unreachable_provider("token", std::io::Error::other(what)),
    }
}

/// Says that a provider has not answered as it should.
pub(super) fn unreachable_provider(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    tracing::warn!(what, error = &error as &dyn std::error::Error, "a provider has not answered as it should");
    Error::bad_gateway("The provider has not answered").with_source(error)
}

/// Reads the settings of a provider, and says which of them is wrong.
pub(super) struct Keys<'a> {
    pub(super) provider: &'a str,
}

impl Keys<'_> {
    pub(super) fn wrong(&self, key: &str, what: &str) -> Error {
        Error::general(format!("authentication: `oauth.{}.{key}` {what}", self.provider))
    }

    pub(super) fn required(&self, key: &str, text: Option<&str>) -> Result<Url> {
        self.url(key, text.ok_or_else(|| self.wrong(key, "is missing"))?)
    }

    /// Reads a URL; it is one of HTTPS, but for what runs on this machine.
    pub(super) fn url(&self, key: &str, text: &str) -> Result<Url> {
        let url = Url::parse(text).ok().filter(|url| {
            let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
            safe && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
        });
        url.ok_or_else(|| self.wrong(key, &format!("must be a URL with https, not '{text}'")))
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("scope", &self.scope).finish_non_exhaustive()
    }
}
