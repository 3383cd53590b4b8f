//! A name and a password.

use async_trait::async_trait;
use feathers_core::{Credentials, CrudOptions, Error, Params, Result};
use serde_json::{Map, Value, json};

use super::{Identity, Strategy};
use crate::auth::Auth;
use crate::authentication::Authentication;
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

/// A longer name belongs to no user.
const LONGEST_NAME: usize = 512;
/// How often a login looks again at a hash that is replaced all the time.
const LOOKS: usize = 4;

/// So many records are looked at when the app starts.
const SAMPLE: u64 = 500;

/// What is stored of the user with a name.
struct Stored {
    id: String,
    hash: Option<String>,
}

impl Local {
    /// Returns the name and the password of a login, if they can be those of a user.
    fn parts<'a>(&self, credentials: &'a Credentials, auth: &Auth) -> Option<(&'a str, &'a str)> {
        let name = self.account(credentials).filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME);
        let password = at(credentials.fields(), &auth.config().local.password_field).and_then(Value::as_str);
        name.zip(password.filter(|password| !password.is_empty()))
    }

    /// Compares the password with the hash that is stored, also after the waiting for that. Returns the id and the
    /// hash.
    ///
    /// `known` is a hash that it was compared with already.
    async fn verify(&self, parts: (&str, &str), known: Option<&str>, auth: &Auth) -> Result<(String, String)> {
        let (name, password) = parts;
        let wrong = || Error::not_authenticated(auth.config().local.error_message.clone());
        let mut stored = stored(name, auth).await?;
        for _ in 0..LOOKS {
            let hash = stored.as_ref().and_then(|stored| stored.hash.as_deref());
            if known.is_some() && hash == known {
                return stored.and_then(|stored| Some((stored.id, stored.hash?))).ok_or_else(wrong);
            }
            let outcome = auth.passwords()?.verify(password, hash).await?;
            let found = stored.and_then(|stored| Some((stored.id, stored.hash?)));
            let (Some((id, mut hash)), Match::Yes | Match::Outdated) = (found, outcome) else { return Err(wrong()) };
            if outcome == Match::Outdated {
                // The next login is as safe as a new password. That it cannot be kept must not fail the login.
                match auth.rehash(&id, &hash, password).await {
                    Ok(Some(new)) => hash = new,
                    Ok(None) => {}
                    Err(error) => tracing::warn!(?error, "a password could not be hashed again"),
                }
            }
            let now = self::stored(name, auth).await?;
            if now.as_ref().is_some_and(|now| now.id == id && now.hash.as_ref() == Some(&hash)) {
                return Ok((id, hash));
            }
            // Another login may have hashed the same password again.
            stored = now;
        }
        Err(wrong())
    }
}

impl Authentication {
    /// Lets clients log in with a password and what this field holds, such as `email`.
    pub fn local(mut self, username_field: &str) -> Self {
        username_field.clone_into(&mut self.config.local.username_field);
        self.strategy("local", Local::new(username_field))
    }
}

#[async_trait]
impl Strategy for Local {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, auth: &Auth) -> Result<Identity> {
        let Some(parts) = self.parts(credentials, auth) else {
            return Err(Error::not_authenticated(auth.config().local.error_message.clone()));
        };
        let (id, hash) = self.verify(parts, None, auth).await?;
        Ok(Identity { hash: Some(hash.into()), ..Identity::of(auth.entity(&id).await?) })
    }

    async fn confirm(&self, credentials: &Credentials, identity: Identity, auth: &Auth) -> Result<Identity> {
        let Some(parts) = self.parts(credentials, auth) else { return Ok(identity) };
        let (id, hash) = self.verify(parts, identity.hash.as_deref(), auth).await?;
        Ok(Identity { hash: Some(hash.into()), ..Identity::of(auth.entity(&id).await?) })
    }

    fn account<'a>(&self, credentials: &'a Credentials) -> Option<&'a str> {
        at(credentials.fields(), &self.username).and_then(Value::as_str)
    }

    async fn check(&self, auth: &Auth) -> Result<()> {
        auth.passwords()?;
        auth.check_service()?;
        if let Err(error) = learn(auth).await {
            tracing::debug!(?error, "which schemes of hashes are in use is learned from logins only");
        }
        Ok(())
    }
}

/// Reads what is stored of the user with this name.
async fn stored(name: &str, auth: &Auth) -> Result<Option<Stored>> {
    let config = &auth.config().local;
    let field = config.entity_username_field.as_ref().unwrap_or(&config.username_field);
    let Some(entity) = auth.find(json!({ field: name, "$limit": 1 })).await? else { return Ok(None) };
    let hash = entity.value()?.as_object().and_then(|entity| at(entity, auth.password_field())?.as_str());
    Ok(Some(Stored { id: auth.id_of(&entity)?, hash: hash.map(str::to_owned) }))
}

/// Looks at some records for how their passwords are hashed: the first ones, which are the oldest.
async fn learn(auth: &Auth) -> Result<()> {
    let mut params = Params::query(json!({ "$limit": SAMPLE }));
    params.insert(CrudOptions::unpaginated());
    for user in auth.service()?.find(params).await?.items()?.unwrap_or_default() {
        let hash = user.value()?.as_object().and_then(|user| at(user, auth.password_field())?.as_str());
        if let Some(hash) = hash {
            auth.passwords()?.learn(hash);
        }
    }
    Ok(())
}

/// Returns a field; a name with dots leads into an object.
pub(crate) fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => object.get(path),
        Some((first, rest)) => at(object.get(first)?.as_object()?, rest),
    }
}
