//! A name and a password.

use async_trait::async_trait;
use feathers_core::{Credentials, Error, Params, Payload, Result};
use serde_json::{Map, Value, json};

use super::{Identity, Strategy};
use crate::auth::Auth;
use crate::password::Match;

/// The strategy `local`.
#[derive(Debug)]
pub(crate) struct Local {
    /// Where the name stands in a login.
    username: String,
}

impl Local {
    pub(crate) fn new(username: &str) -> Self {
        Self { username: username.to_owned() }
    }
}

/// A longer name is nobody's.
const LONGEST_NAME: usize = 512;

#[async_trait]
impl Strategy for Local {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, auth: &Auth) -> Result<Identity> {
        let config = &auth.config().local;
        let wrong = || Error::not_authenticated(config.error_message.clone());
        let name = self.account(credentials).filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME);
        let password = at(credentials.fields(), &config.password_field).and_then(Value::as_str);
        let password = password.filter(|password| !password.is_empty());
        let (Some(name), Some(password)) = (name, password) else { return Err(wrong()) };

        let field = config.entity_username_field.as_ref().unwrap_or(&config.username_field);
        let mut found = auth.find(json!({ field: name, "$limit": 1 })).await?;
        let hash_field = config.entity_password_field.as_ref().unwrap_or(&config.password_field);
        let hash = found.as_mut().and_then(|entity| hash(entity, hash_field));
        let passwords = auth.passwords()?;
        let outcome = passwords.verify(password, hash.as_deref()).await?;
        let (Some(entity), Match::Yes | Match::Outdated) = (found, outcome) else { return Err(wrong()) };
        let id = auth.id_of(&entity)?;
        if outcome == Match::Outdated {
            // The next login is as safe as a new password. That it cannot be kept must not keep anybody out.
            if let Err(error) = auth.rehash(&id, hash_field, password).await {
                tracing::warn!(?error, "a password could not be hashed anew");
            }
        }
        Ok(Identity::of(auth.entity(&id).await?))
    }

    fn account<'a>(&self, credentials: &'a Credentials) -> Option<&'a str> {
        at(credentials.fields(), &self.username).and_then(Value::as_str)
    }

    async fn check(&self, auth: &Auth) -> Result<()> {
        auth.passwords()?;
        auth.check_service()
    }
}

fn hash(entity: &Payload, field: &str) -> Option<String> {
    at(entity.value().ok()?.as_object()?, field)?.as_str().map(str::to_owned)
}

/// Returns a field; a name with dots leads into an object.
fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => object.get(path),
        Some((first, rest)) => at(object.get(first)?.as_object()?, rest),
    }
}
