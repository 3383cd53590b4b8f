//! Tokens: the strategy of clients that have logged in before.

use std::sync::Arc;

use async_trait::async_trait;
use feathers_core::{Credentials, Error, Headers, Params, Result};

use super::{Identity, Strategy, Token};
use crate::auth::Auth;
use crate::authentication::Authentication;
use crate::config::AuthConfig;
use crate::cookie;
use crate::token::subject_of;

/// The strategy `jwt`.
#[derive(Debug)]
pub(crate) struct Jwt;

/// The name of the strategy.
pub(crate) const NAME: &str = "jwt";
/// The field of the token.
pub(crate) const FIELD: &str = "accessToken";

impl Authentication {
    /// Lets clients log in with a token that they were given earlier.
    pub fn jwt(self) -> Self {
        self.strategy("jwt", Jwt)
    }
}

#[async_trait]
impl Strategy for Jwt {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, auth: &Auth) -> Result<Identity> {
        let token = match credentials.field(FIELD) {
            None => return Err(Error::not_authenticated("No access token")),
            Some(token) => token.as_str().filter(|token| !token.is_empty()),
        };
        let token = token.ok_or_else(|| Error::not_authenticated("No access token"))?;
        let claims = auth.tokens()?.verify(token)?;
        auth.revocations().check(&claims, None)?;
        let entity = if auth.entity_name().is_none() {
            None
        } else {
            let wrong = || Error::not_authenticated("jwt subject invalid. expected: the id of a user");
            let entity = auth.entity(&subject_of(&claims).ok_or_else(wrong)?).await?;
            // It may have been revoked meanwhile, and a token may write the id in another way.
            auth.revocations().check(&claims, Some(&auth.id_of(&entity)?))?;
            Some(entity)
        };
        let token = Token { text: Credentials::of(NAME, FIELD, token), claims: Arc::new(claims) };
        Ok(Identity { entity, token: Some(token), ..Identity::default() })
    }

    fn parse(&self, headers: &Headers, auth: &Auth) -> Option<Credentials> {
        let config = &auth.config().jwt;
        let token = match headers.value(&config.header).map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => match value.split_once(char::is_whitespace) {
                None => value,
                Some((scheme, token)) => {
                    let known = config.schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme));
                    Some(token.trim()).filter(|_| known)?
                }
            },
            None => cookie::find(headers, &auth.config().cookie.as_ref()?.name)?,
        };
        Some(Credentials::of(NAME, FIELD, token))
    }

    fn headers(&self, config: &AuthConfig) -> Vec<String> {
        vec![config.jwt.header.clone()]
    }

    async fn check(&self, auth: &Auth) -> Result<()> {
        auth.tokens()?;
        match auth.entity_name() {
            Some(_) => auth.check_service(),
            None => Ok(()),
        }
    }
}
