//! What runs once an app has authentication: tokens, strategies, connections, revocations.

mod revoke;

use std::fmt;
use std::sync::{Arc, OnceLock};

use feathers_core::{
    AppHandle, Call, Connection, Credentials, DisconnectReason, Encoding, Error, Id, Login, Method, Params, Payload,
    Provider, Result, ServiceHandle,
};
use http::HeaderName;
use serde_json::{Map, Value};

use crate::admit::who;
use crate::authenticated::Authenticated;
use crate::changes::Changes;
use crate::config::AuthConfig;
use crate::limit::Limits;
use crate::password::Passwords;
use crate::revocation::{PersistedRevocations, Revocations};
use crate::sessions::{LoginInfo, LoginRegistry};
use crate::strategy::Strategy;
use crate::ticket::Tickets;
use crate::token::{self, Tokens, expires, started};

pub(crate) type Check = Arc<dyn Fn(&Payload) -> Result<()> + Send + Sync>;

/// The authentication of an app: `app.get::<Auth>()`. Clones are the same.
#[derive(Clone)]
pub struct Auth(Arc<Inner>);

struct Inner {
    config: AuthConfig,
    path: String,
    strategies: Vec<(String, Arc<dyn Strategy>)>,
    checks: Vec<Check>,
    /// The path of the service that keeps revocations.
    store_path: Option<String>,
    tokens: Result<Tokens>,
    passwords: Result<Passwords>,
    revocations: Revocations,
    sessions: LoginRegistry,
    tickets: Tickets,
    limits: Limits,
    changes: Changes,
    app: OnceLock<AppHandle>,
}

/// Says that the password in the data is a hash already.
#[derive(Clone)]
pub(crate) struct Hashed;

impl Auth {
    pub(crate) fn new(
        config: AuthConfig,
        path: String,
        strategies: Vec<(String, Arc<dyn Strategy>)>,
        checks: Vec<Check>,
        store_path: Option<String>,
    ) -> Self {
        // The beginning of the process, as far as tokens go.
        started();
        Self(Arc::new(Inner {
            tokens: Tokens::new(&config),
            passwords: Passwords::new(&config.password),
            tickets: Tickets::new(config.ticket.clone()),
            limits: Limits::new(&config.limits),
            config,
            path,
            strategies,
            checks,
            store_path,
            revocations: Revocations::default(),
            sessions: LoginRegistry::default(),
            changes: Changes::default(),
            app: OnceLock::new(),
        }))
    }

    /// Returns the settings.
    pub fn config(&self) -> &AuthConfig {
        &self.0.config
    }

    /// Returns what hashes passwords.
    ///
    /// # Errors
    /// Parameters in the settings that Argon2 does not take.
    pub fn passwords(&self) -> Result<&Passwords> {
        self.0.passwords.as_ref().map_err(Clone::clone)
    }

    /// Makes a token for this subject, with more claims if you like.
    ///
    /// # Errors
    /// Settings with which no token can be made, such as a secret that is missing.
    pub fn create_token(&self, subject: Option<&str>, claims: Map<String, Value>) -> Result<String> {
        self.new_token(subject, claims, None).map(|(token, _)| token)
    }

    /// Returns the connections that a user is logged in on.
    pub fn connections(&self, id: impl Into<Id>) -> Vec<Connection> {
        self.0.sessions.of(&id.into().to_string())
    }

    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    pub(crate) fn tokens(&self) -> Result<&Tokens> {
        self.0.tokens.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn revocations(&self) -> &Revocations {
        &self.0.revocations
    }

    pub(crate) fn sessions(&self) -> &LoginRegistry {
        &self.0.sessions
    }

    pub(crate) fn tickets(&self) -> &Tickets {
        &self.0.tickets
    }

    pub(crate) fn changes(&self) -> &Changes {
        &self.0.changes
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn strategies(&self) -> impl Iterator<Item = &Arc<dyn Strategy>> {
        self.0.strategies.iter().map(|(_, strategy)| strategy)
    }

    pub(crate) fn strategy(&self, name: &str) -> Option<&Arc<dyn Strategy>> {
        self.0.strategies.iter().find(|(own, _)| own == name).map(|(_, strategy)| strategy)
    }

    /// Returns the headers that credentials are found in.
    pub(crate) fn headers(&self) -> impl Iterator<Item = HeaderName> {
        let names = self.strategies().flat_map(|strategy| strategy.headers(self.config()));
        names.filter_map(|name| HeaderName::try_from(name).ok())
    }

    /// Fails if credentials are looked for in what cannot be a header.
    fn check_headers(&self) -> Result<()> {
        let wrong = |name: &String| HeaderName::try_from(name).is_err();
        match self.strategies().flat_map(|strategy| strategy.headers(self.config())).find(wrong) {
            Some(name) => Err(Error::general(format!("authentication: '{name}' is no name of a header"))),
            None => Ok(()),
        }
    }

    /// Returns the names of all strategies.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.strategies.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Returns the names of the strategies that clients may log in with.
    pub(crate) fn login_names(&self) -> Vec<String> {
        self.0.config.auth_strategies.clone().unwrap_or_else(|| self.names())
    }

    /// Makes the app known, before its services are set up.
    pub(crate) fn begin(&self, app: &AppHandle) {
        let _ = self.0.app.set(app.clone());
    }

    /// Checks everything, once the services are there, and begins to watch the tokens of connections.
    pub(crate) async fn start(&self, app: &AppHandle) -> Result<()> {
        self.check_headers()?;
        for strategy in self.strategies() {
            strategy.check(self).await?;
        }
        self.tokens()?;
        let users = self.entity_name().and_then(|_| self.service().ok());
        if users.is_some_and(|users| users.info().descriptor().volatile) {
            // Their ids begin again with each process, so that an older token would be one of another user.
            self.0.revocations.revoke_all(started().saturating_sub(1));
        }
        app.spawn(self.0.sessions.clone().watch(app.clone()));
        if let Some(path) = &self.0.store_path {
            let kept = PersistedRevocations::load(app, path, self).await?;
            app.spawn(kept.watch(app.clone(), self.clone()));
        }
        Ok(())
    }

    /// Returns the app, once it runs.
    ///
    /// # Errors
    /// The app does not run yet.
    pub fn app(&self) -> Result<&AppHandle> {
        self.0.app.get().ok_or_else(|| Error::internal("the app does not run yet"))
    }

    pub(crate) fn entity_name(&self) -> Option<&str> {
        self.0.config.entity.as_deref()
    }

    /// Returns what the caller has presented: in the headers of its request, else at the login of its connection.
    pub(crate) fn credentials(&self, params: &Params) -> Option<Credentials> {
        let connected = || params.connection.as_ref().and_then(Connection::credentials);
        match params.provider {
            // The headers of a socket are those of its handshake, and a login may have followed it.
            Some(provider) if provider != Provider::REST && params.connection.is_some() => connected(),
            // The secret of a session is no login.
            Some(_) => self.parse(&params.headers),
            None => self.parse(&params.headers).or_else(connected),
        }
    }

    /// Finds credentials in headers, by the first strategy that does.
    pub(crate) fn parse(&self, headers: &feathers_core::Headers) -> Option<Credentials> {
        self.strategies().find_map(|strategy| strategy.parse(headers, self))
    }

    /// Fails if the user of this record may not log in.
    pub(crate) fn check_entity(&self, entity: &Payload) -> Result<()> {
        self.0.checks.iter().try_for_each(|check| check(entity))
    }

    /// Returns the service of users.
    pub(crate) fn service(&self) -> Result<ServiceHandle> {
        self.app()?.service(&self.0.config.service)
    }

    /// Fails if there is no service of users.
    pub(crate) fn check_service(&self) -> Result<()> {
        self.service().map(drop).map_err(|_| {
            let name = &self.0.config.service;
            Error::general(format!("authentication: there is no service '{name}' of those who log in"))
        })
    }

    /// Reads the record of a user, from inside: with all fields.
    ///
    /// # Errors
    /// Those of the service of users, and a user that is not there: a 401.
    pub async fn entity(&self, subject: &str) -> Result<Payload> {
        let service = self.service()?;
        let found = match Id::from_text(subject) {
            Ok(id) => service.get(id, ()).await,
            Err(error) => Err(error),
        };
        found.map_err(|error| {
            let gone = error.is_not_found() || error.is_bad_request();
            if gone { Error::not_authenticated("the user of this token is not there any more") } else { error }
        })
    }

    /// Finds one record by a query, from inside.
    ///
    /// # Errors
    /// Those of the service of users.
    pub async fn find(&self, query: Value) -> Result<Option<Payload>> {
        let found = self.service()?.find(query).await?;
        let items = match found.items()? {
            Some(items) => items,
            None => match found.value()?.get("data") {
                Some(Value::Array(items)) => items.iter().cloned().map(Payload::from).collect(),
                _ => Vec::new(),
            },
        };
        Ok(items.into_iter().next())
    }

    /// Returns the id of a record as tokens name it.
    pub(crate) fn id_of(&self, entity: &Payload) -> Result<String> {
        match entity.value()?.get(&self.0.config.entity_id) {
            Some(Value::String(id)) => Ok(id.clone()),
            Some(Value::Number(id)) => Ok(id.to_string()),
            _ => Err(Error::internal(format!("a user has no `{}`", self.0.config.entity_id))),
        }
    }

    /// Returns the record as the user that logs in may see it.
    pub(crate) async fn safe_entity(&self, login: &Authenticated, params: &Params) -> Result<Option<Value>> {
        let Some(entity) = login.entity() else { return Ok(None) };
        if params.provider.is_none() {
            return entity.value().cloned().map(Some);
        }
        let app = self.app()?;
        let path = &self.0.config.service;
        let route = app.lookup(path, Encoding::Plain)?;
        let Some(route) = route.filter(|route| route.allows(&Method::Get)) else {
            let safe = self.service()?.info().without_hidden(entity)?;
            return safe.value().cloned().map(Some);
        };
        let mut own = params_for_strategy(params);
        own.provider = params.provider;
        own.insert(login.clone());
        // It is no call of the client: one would end the waiting of its replay for this very login.
        own.connection = None;
        let id = Id::from_text(&self.id_of(entity)?)?;
        let call = Call { route, method: Method::Get, id: Some(id), data: Payload::NULL, params: own };
        app.call(call).await?.body().value().cloned().map(Some)
    }

    /// Logs a connection in: its calls are made with this token from now on.
    ///
    /// `seen` is how many changes of users there had been before the record was read.
    pub(crate) async fn attach(
        &self,
        connection: &Connection,
        login: &Authenticated,
        params: &Params,
        seen: u64,
    ) -> Result<()> {
        let about = self.about(login)?;
        let before = self.0.sessions.about(connection);
        let same = |before: &LoginInfo| match &about.subject {
            Some(_) => before.subject == about.subject,
            None => before.subject.is_none() && before.jti == about.jti,
        };
        if before.is_some_and(|before| !same(&before)) {
            // Another user was logged in, whose channels are not for this one.
            self.0.tickets.resumptions().forget(connection);
            self.app()?.logout(&Login::new(Payload::NULL, params.clone())).await;
        }
        let subject = about.subject.clone();
        {
            let _one_at_a_time = self.0.changes.lock();
            connection.set_credentials(login.credentials().cloned());
            connection.insert(login.clone());
            connection.set_subject(Some(&subject_of(connection, login, &about)));
            self.0.sessions.add(connection, about);
        }
        // A revocation or a change that came meanwhile has not found this connection.
        let mut good = self.check_revoked(login);
        let changed = subject.is_some_and(|subject| self.0.changes.has_changed(&subject, seen));
        if good.is_ok() && changed {
            good = self.recheck(connection).await;
        }
        match &good {
            // Also for a login that no listener hears of.
            Ok(()) => self.app()?.refresh_rights(connection),
            Err(error) => connection.end(DisconnectReason::Unauthenticated(error.clone())),
        }
        good
    }

    /// Logs a connection out, if it is logged in with this token.
    pub(crate) fn detach(&self, connection: &Connection, login: &Authenticated) -> bool {
        let _one_at_a_time = self.0.changes.lock();
        if connection.credentials().as_ref() != login.credentials() {
            return false;
        }
        connection.set_credentials(None);
        connection.remove::<Authenticated>();
        connection.set_subject(None);
        self.0.sessions.remove(connection);
        self.0.tickets.resumptions().forget(connection);
        true
    }

    pub(crate) fn about(&self, login: &Authenticated) -> Result<LoginInfo> {
        Ok(LoginInfo {
            subject: match login.entity() {
                Some(entity) => Some(self.id_of(entity)?),
                None => login.payload().and_then(token::subject_of),
            },
            jti: login.payload().and_then(|claims| claims.get("jti")?.as_str()).map(str::to_owned),
            expires: login.payload().and_then(expires),
        })
    }
}

/// Names the user that is logged in, so that a reconnecting client is known: by the record or the `sub` of the token,
/// else by the claims. A login without any of them is another one each time.
fn subject_of(connection: &Connection, login: &Authenticated, about: &LoginInfo) -> String {
    match (&about.subject, who(login)) {
        (Some(subject), _) => subject.clone(),
        (None, Some(claims)) => format!("claims {}", Value::Object(claims)),
        (None, None) => format!("connection {}", connection.number()),
    }
}

/// Returns the parameters that a strategy gets: nothing that it could take for a call from outside.
pub(crate) fn params_for_strategy(params: &Params) -> Params {
    let mut own = Params::new();
    own.headers = params.headers.clone();
    own.connection.clone_from(&params.connection);
    own.address = params.address;
    #[cfg(feature = "oauth")]
    if let Some(callback) = params.get::<crate::oauth::Callback>() {
        own.insert(callback.clone());
    }
    own
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.0.strategies.iter().map(|(name, _)| name).collect();
        f.debug_struct("Auth").field("path", &self.0.path).field("strategies", &names).finish_non_exhaustive()
    }
}
