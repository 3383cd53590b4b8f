//! Logins are decided on what is true when the token is made, and not when they began.

use std::time::Duration;

use feathers_core::{Credentials, Error, Id, Params, Result};
use serde_json::{Map, Value, json};

use crate::auth::{Auth, Hashed};
use crate::authenticated::Authenticated;
use crate::revocation::Begun;
use crate::token::{now, subject_of};

/// How often a login looks again at a user that is being changed.
const LOOKS: usize = 8;

/// When a login began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    begun: Begun,
    /// How many changes of users there had been.
    seen: u64,
}

impl Auth {
    /// Makes a token; fails if its user was revoked after the login had begun.
    pub(crate) fn new_token(
        &self,
        subject: Option<&str>,
        claims: Map<String, Value>,
        login: Option<&Moment>,
    ) -> Result<(String, Map<String, Value>)> {
        // What a strategy says wins, as in the token.
        let own = subject_of(&claims);
        let issued = self.revocations().issue(own.as_deref().or(subject), now(), login.map(|login| login.begun))?;
        self.tokens()?.create(claims, subject, issued)
    }

    /// Returns the beginning of a login.
    pub(crate) fn moment(&self) -> Moment {
        Moment { begun: self.revocations().begin(), seen: self.changes().count() }
    }

    /// Makes the strategy of a login confirm it again for as long as the record has changed since.
    ///
    /// Nothing is waited for between the last look and the return.
    pub(crate) async fn confirm(
        &self,
        credentials: &Credentials,
        mut login: Authenticated,
        moment: &Moment,
    ) -> Result<Authenticated> {
        let mut seen = moment.seen;
        for _ in 0..LOOKS {
            let Some(subject) = self.about(&login)?.subject else { return Ok(login) };
            if !self.changes().has_changed(&subject, seen) {
                return Ok(login);
            }
            seen = self.changes().count();
            let Some(strategy) = self.strategy(login.strategy()) else { return Ok(login) };
            let identity = strategy.confirm(credentials, login.identity().clone(), self).await?;
            identity.entity.iter().try_for_each(|entity| self.check_entity(entity))?;
            login = Authenticated::new(login.strategy(), identity);
        }
        Err(Error::unavailable("this user is being changed, try again").with_retry_after(Duration::from_secs(1)))
    }

    /// Returns the field of the hash in the records.
    pub(crate) fn password_field(&self) -> &str {
        let local = &self.config().local;
        local.entity_password_field.as_ref().unwrap_or(&local.password_field)
    }

    /// Hashes a valid password again with the current parameters, unless there is another one by now. Returns the hash.
    pub(crate) async fn rehash(&self, subject: &str, old: &str, password: &str) -> Result<Option<String>> {
        let field = self.password_field();
        if field.contains('.') {
            return Ok(None);
        }
        let hash = self.passwords()?.rehash(password).await?;
        let mut params = Params::query(json!({ field: old }));
        params.insert(Hashed);
        match self.service()?.patch(Id::from_text(subject)?, json!({ field: hash }), params).await {
            Ok(_) => Ok(Some(hash)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
