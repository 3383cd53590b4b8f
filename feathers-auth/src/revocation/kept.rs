//! Revocations in a service, so that they outlive the process and reach the others that serve the same app.

use std::time::Duration;

use feathers_core::{AppHandle, CrudOptions, Params, Result, TypedService};
use feathers_macros::Service;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::auth::Auth;
use crate::token::now;

/// How often the service is asked for what others have revoked.
const ASK: Duration = Duration::from_millis(500);
/// How often those that are about expired tokens are removed.
const SWEEP: Duration = Duration::from_hours(1);
/// How many are read at once.
const PAGE: u64 = 500;

/// A revocation as it is stored: of one token, or of all tokens of a user that were made up to a time.
///
/// `db.store::<Revocation>()` keeps them in a database; see
/// [`Authentication::revocations`](crate::Authentication::revocations).
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(crate = crate::framework)]
pub struct Revocation {
    #[service(id)]
    id: i64,
    /// The `jti` of the token.
    #[service(default)]
    token: Option<String>,
    /// The user whose tokens they are.
    #[service(default)]
    subject: Option<String>,
    /// The time, in seconds since the beginning of 1970.
    time: i64,
    /// When all such tokens have expired.
    until: i64,
}

/// The service of an app, and how far it has been read.
#[derive(Debug)]
pub(crate) struct PersistedRevocations {
    service: TypedService<Revocation>,
    last: i64,
}

/// What is revoked.
#[derive(Clone, Debug)]
pub(crate) enum RevokedSubject {
    /// The token of this `jti`.
    Token(String),
    /// All tokens of a user.
    Subject(String),
}

/// Stores a revocation.
pub(crate) async fn keep(app: &AppHandle, path: &str, what: RevokedSubject, time: u64, until: u64) -> Result<()> {
    let (token, subject) = match what {
        RevokedSubject::Token(token) => (Some(token), None),
        RevokedSubject::Subject(subject) => (None, Some(subject)),
    };
    let data = json!({ "token": token, "subject": subject, "time": time, "until": until });
    app.service(path)?.create(data, ()).await.map(drop)
}

impl PersistedRevocations {
    /// Reads everything that is stored. A service that is missing, or not of such records, is an error of the start.
    pub(crate) async fn load(app: &AppHandle, path: &str, auth: &Auth) -> Result<Self> {
        let mut kept = Self { service: app.typed(path)?, last: i64::MIN };
        kept.read(auth).await?;
        Ok(kept)
    }

    /// Reads new revocations again and again, until the app stops.
    pub(crate) async fn watch(mut self, app: AppHandle, auth: Auth) {
        let mut swept = tokio::time::Instant::now();
        while tokio::time::timeout(ASK, app.stopping()).await.is_err() {
            if let Err(error) = self.read(&auth).await {
                tracing::error!(?error, "revocations cannot be read");
            }
            if swept.elapsed() >= SWEEP {
                swept = tokio::time::Instant::now();
                if let Err(error) = self.sweep().await {
                    tracing::error!(?error, "old revocations cannot be removed");
                }
            }
        }
    }

    async fn read(&mut self, auth: &Auth) -> Result<()> {
        loop {
            let query = json!({ "id": { "$gt": self.last }, "$sort": { "id": 1 }, "$limit": PAGE });
            let page = self.service.find(unpaginated(query)).await?;
            for revocation in &page {
                self.last = self.last.max(revocation.id);
                let (time, until) = (seconds(revocation.time), seconds(revocation.until));
                if let Some(token) = &revocation.token {
                    auth.token_is_revoked(token, until);
                }
                if let Some(subject) = &revocation.subject {
                    auth.hear_of_subject(subject, time, until);
                }
            }
            if page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                return Ok(());
            }
        }
    }

    async fn sweep(&self) -> Result<()> {
        let old = json!({ "until": { "$lt": now() }, "$limit": PAGE });
        for revocation in self.service.find(unpaginated(old)).await? {
            // Without the newest a database could give its id once more, and no process would read that one.
            if revocation.id < self.last {
                self.service.remove(revocation.id, ()).await?;
            }
        }
        Ok(())
    }
}

fn unpaginated(query: serde_json::Value) -> Params {
    let mut params = Params::query(query);
    params.insert(CrudOptions::unpaginated());
    params
}

fn seconds(time: i64) -> u64 {
    time.try_into().unwrap_or_default()
}
