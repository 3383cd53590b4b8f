//! The strategy of a provider, which only the callback can use.

use std::fmt;

use async_trait::async_trait;
use feathers_core::{Credentials, Error, Id, Params, Payload, Result};
use serde_json::{Value, json};

use super::plugin::{Mapper, OAuth};
use super::profile::Profile;
use crate::auth::Auth;
use crate::config::Secret;
use crate::strategy::{Identity, Strategy, not_allowed};

/// Says that a login comes from the callback of this provider. Nothing that a client sends can be this.
#[derive(Clone)]
pub(crate) struct Callback {
    pub(super) provider: String,
    /// The token of the user that the account is linked to.
    pub(super) token: Option<Secret>,
}

impl Callback {
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }
}

/// The strategy of one provider.
pub(super) struct OAuthStrategy {
    provider: String,
    mapper: Option<Mapper>,
}

impl OAuthStrategy {
    pub(super) fn new(provider: &str, oauth: &OAuth) -> Self {
        Self { provider: provider.to_owned(), mapper: oauth.mapper.clone() }
    }

    /// Finds the record that has this account, else the one of the user who links it.
    async fn existing(&self, profile: &Profile, callback: &Callback, auth: &Auth) -> Result<Option<Payload>> {
        let found = auth.find(json!({ (self.field()): profile.id()?, "$limit": 1 })).await?;
        // A service that does not know the field, and leaves it out of the query, would find any user.
        if let Some(entity) = &found
            && entity.value()?.get(self.field()).and_then(text) != text(profile.id()?)
        {
            return Err(Error::internal(format!("the service of users does not look for `{}`", self.field())));
        }
        match (found, &callback.token) {
            (None, Some(token)) => {
                let token = Credentials::of("jwt", "accessToken", token.expose());
                let current = auth.authenticate(&token, &Params::new(), &["jwt"]).await?;
                Ok(current.entity().cloned())
            }
            (found, _) => Ok(found),
        }
    }

    /// Returns what is stored of a profile.
    fn data(&self, profile: &Profile, existing: Option<&Payload>) -> Result<Value> {
        let mut data = match &self.mapper {
            Some(mapper) => mapper(profile, existing)?,
            None => json!({}),
        };
        let fields = data.as_object_mut().ok_or_else(|| Error::internal("the data of a profile must be an object"))?;
        fields.insert(self.field(), profile.id()?.clone());
        Ok(data)
    }

    fn field(&self) -> String {
        format!("{}Id", self.provider)
    }
}

fn gone(error: Error) -> Error {
    if error.is_not_found() { Error::not_authenticated("this account belongs to nobody any more") } else { error }
}

/// Returns an id as a text: a store may keep numbers as texts.
fn text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

#[async_trait]
impl Strategy for OAuthStrategy {
    async fn authenticate(&self, credentials: &Credentials, params: &Params, auth: &Auth) -> Result<Identity> {
        let callback = params.get::<Callback>().filter(|callback| callback.provider == self.provider);
        let callback = callback.ok_or_else(not_allowed)?;
        let fields = credentials.field("profile").and_then(Value::as_object).cloned().unwrap_or_default();
        let profile = Profile::new(&self.provider, fields);
        let existing = self.existing(&profile, callback, auth).await?;
        if let Some(entity) = &existing {
            auth.check_entity(entity)?;
        }
        let data = self.data(&profile, existing.as_ref())?;
        let service = auth.service()?;
        let id = match &existing {
            Some(entity) => {
                let id = auth.id_of(entity)?;
                // An account that was unlinked meanwhile is not linked again by its own login.
                let linked = entity.value()?.get(self.field()).is_some_and(|id| !id.is_null());
                let query = if linked { json!({ (self.field()): profile.id()? }) } else { json!({}) };
                service.patch(Id::from_text(&id)?, data, query).await.map_err(gone)?;
                id
            }
            None => auth.id_of(&service.create(data, ()).await?)?,
        };
        Ok(Identity::of(auth.entity(&id).await?))
    }

    async fn check(&self, auth: &Auth) -> Result<()> {
        if auth.entity_name().is_none() {
            return Err(Error::general("authentication: `oauth` needs an `entity`"));
        }
        auth.check_service()
    }
}

impl fmt::Debug for OAuthStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthStrategy").field("provider", &self.provider).finish_non_exhaustive()
    }
}
