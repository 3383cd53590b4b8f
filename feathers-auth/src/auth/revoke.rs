//! Revoking tokens and users, and what that does to their connections.

use std::future::Future;

use feathers_core::{DisconnectReason, Id, Result};

use super::Auth;
use crate::authenticated::{Authenticated, CurrentUser};
use crate::revocation::{RevokedSubject, keep, revoked};
use crate::token::now;

impl Auth {
    /// Revokes all logins of a user: the tokens that were made up to now are no longer valid, and the connections of
    /// the user end with a 401 on every transport.
    ///
    /// A ban, a new password and a removed user are such cases; the last two are noticed by themselves.
    ///
    /// All of that has happened when this returns, also with an error.
    ///
    /// # Errors
    /// That of the service that [keeps revocations](crate::Authentication::revocations): a restart may forget this one.
    pub async fn revoke(&self, id: impl Into<Id>) -> Result<()> {
        self.revoke_subject(id.into().to_string()).await
    }

    /// Revokes all tokens of a user at once; the returned future stores that.
    pub(crate) fn revoke_subject(&self, subject: String) -> impl Future<Output = Result<()>> + Send + 'static {
        let time = now();
        let until = time.saturating_add(self.0.config.jwt.expires_in.as_secs()).saturating_add(1);
        let time = self.0.revocations.revoke_subject(&subject, time, until);
        self.end_revoked(&subject);
        self.keep(RevokedSubject::Subject(subject), time, until)
    }

    /// Takes over a revocation that is stored. One of this process is known already, and ends nothing that came after
    /// it.
    pub(crate) fn hear_of_subject(&self, subject: &str, time: u64, until: u64) {
        if self.0.revocations.hear_of_subject(subject, time, until) {
            self.end_revoked(subject);
        }
    }

    fn end_revoked(&self, subject: &str) {
        // Also of clients that are away.
        if let Some(app) = self.0.app.get() {
            app.revoke_memberships(subject);
        }
        for connection in self.0.sessions.of(subject) {
            // A token that was made after the revocation is valid.
            let old = connection.authenticated().is_none_or(|login| self.check_revoked(&login).is_err());
            if old {
                connection.end(DisconnectReason::Unauthenticated(revoked()));
            }
        }
    }

    pub(crate) fn token_is_revoked(&self, jti: &str, until: u64) {
        self.0.revocations.revoke_token(jti, until);
        for connection in self.0.sessions.with_token(jti) {
            connection.end(DisconnectReason::Unauthenticated(revoked()));
        }
    }

    pub(crate) fn check_revoked(&self, login: &Authenticated) -> Result<()> {
        let Some(claims) = login.payload() else { return Ok(()) };
        let entity = login.entity().map(|entity| self.id_of(entity)).transpose()?;
        self.0.revocations.check(claims, entity.as_deref())
    }

    fn keep(&self, what: RevokedSubject, time: u64, until: u64) -> impl Future<Output = Result<()>> + Send + 'static {
        let auth = self.clone();
        async move {
            match &auth.0.store_path {
                Some(path) => keep(auth.app()?, path, what, time, until).await,
                None => Ok(()),
            }
        }
    }

    /// Reconnects the connections of a user at once, so that their channels follow the current permissions.
    ///
    /// Nothing is missed on the way. A changed role is noticed by itself, if its field is among the
    /// [`permission_fields`](crate::AuthConfig::permission_fields).
    pub fn reconnect(&self, id: impl Into<Id>) {
        for connection in self.0.sessions.of(&id.into().to_string()) {
            connection.end(DisconnectReason::Reconnect);
        }
    }

    /// Makes a token invalid, and ends the connections that use it.
    pub(crate) async fn revoke_login(&self, login: &Authenticated) -> Result<()> {
        let about = self.about(login)?;
        let Some(jti) = about.jti else { return Ok(()) };
        let until = about.expires.unwrap_or(u64::MAX);
        self.token_is_revoked(&jti, until);
        self.keep(RevokedSubject::Token(jti), now(), until).await
    }
}
