//! The service `authentication`: `create` is a login, `remove` is a logout.

use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::{
    AroundHook, Context, Credentials, CrossSite, Descriptor, Error, Id, Login, Method, Next, Params, Payload, Provider,
    Request, Result, Service, async_trait,
};
use serde_json::{Map, json};

use crate::auth::{Auth, params_for_strategy};
use crate::authenticated::Authenticated;
use crate::cookie;
use crate::moment::Moment;
use crate::strategy::{Identity, Token};
use crate::token::expires;

/// The service.
#[derive(Debug)]
pub(crate) struct AuthenticationService(pub(crate) Auth);

/// How the service hands a login or logout to the hook around it. A login of a handshake is `quiet`: the app announces
/// it when the connection opens.
#[derive(Clone, Default)]
pub(crate) struct Outcome {
    login: Arc<Mutex<Option<Authenticated>>>,
    quiet: bool,
}

impl Outcome {
    pub(crate) fn quiet() -> Self {
        Self { quiet: true, ..Self::default() }
    }

    fn set(&self, login: Authenticated) {
        *self.login.lock().unwrap_or_else(PoisonError::into_inner) = Some(login);
    }

    fn take(&self) -> Option<Authenticated> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Service for AuthenticationService {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([])
            .method(Method::Create, "Logs in and answers a token.")
            .method(Method::Remove, "Logs out.")
            .docs("Logins and logouts.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        match request.method {
            Method::Create => self.login(&request).await,
            Method::Remove => self.logout(&request).await,
            _ => request.unknown_method(),
        }
    }
}

impl AuthenticationService {
    async fn login(&self, request: &Request<'_>) -> Result<Payload> {
        let (auth, params) = (&self.0, request.params);
        let allowed = auth.login_names();
        if allowed.is_empty() {
            let message = "No authentication strategies allowed for creating a JWT (`authStrategies`)";
            return Err(Error::not_authenticated(message));
        }
        #[cfg(feature = "oauth")]
        let allowed = match params.get::<crate::oauth::Callback>() {
            Some(callback) => vec![callback.provider().to_owned()],
            None => allowed,
        };
        let data = request.data.value()?.as_object().cloned().unwrap_or_default();
        let credentials = Credentials::new(data);
        if let Some(account) = credentials.strategy().and_then(|name| auth.strategy(name)?.account(&credentials)) {
            auth.limits().login(account, params)?;
        }
        let moment = auth.moment();
        let login = auth.authenticate(&credentials, &params_for_strategy(params), &allowed).await?;
        let login = auth.confirm(&credentials, login, &moment).await?;
        let login = self.with_token(login, &moment)?;
        self.answer(login, params).await
    }

    async fn logout(&self, request: &Request<'_>) -> Result<Payload> {
        let (auth, params) = (&self.0, request.params);
        let credentials = auth.credentials(params);
        if let Some(id) = &request.id {
            let own = credentials.as_ref().and_then(|credentials| credentials.text("accessToken"));
            if !matches!(id, Id::Text(id) if own == Some(&**id)) {
                return Err(Error::not_authenticated("Invalid access token"));
            }
        }
        let credentials = credentials.unwrap_or_else(|| Credentials::new(Map::new()));
        let login = auth.authenticate(&credentials, &params_for_strategy(params), &auth.names()).await?;
        self.answer(login, params).await
    }

    /// Makes a token for a login without one.
    fn with_token(&self, login: Authenticated, moment: &Moment) -> Result<Authenticated> {
        let identity = login.identity();
        if identity.token.is_some() {
            self.0.check_revoked(&login)?;
            return Ok(login);
        }
        let subject = identity.entity.as_ref().map(|entity| self.0.id_of(entity)).transpose()?;
        let (text, claims) = self.0.new_token(subject.as_deref(), identity.claims.clone(), Some(moment))?;
        let token = Token { text: Credentials::of("jwt", "accessToken", text), claims: Arc::new(claims) };
        let identity = Identity { token: Some(token), ..identity.clone() };
        Ok(Authenticated::new(login.strategy(), identity))
    }

    async fn answer(&self, login: Authenticated, params: &Params) -> Result<Payload> {
        let mut authentication = json!({ "strategy": login.strategy() });
        let token = login.credentials().and_then(|credentials| credentials.text("accessToken"));
        if login.strategy() == "jwt" {
            authentication["accessToken"] = json!(token);
        }
        authentication["payload"] = json!(login.payload());
        let mut answer = json!({ "accessToken": token, "authentication": authentication });
        if let (Some(name), Some(entity)) = (self.0.entity_name(), self.0.safe_entity(&login, params).await?) {
            answer[name] = entity;
        }
        if let Some(outcome) = params.get::<Outcome>() {
            outcome.set(login);
        }
        Ok(answer.into())
    }
}

/// The hook around logins and logouts: once they have succeeded, it changes the connection and tells the listeners.
#[derive(Debug)]
pub(crate) struct Session(pub(crate) Auth);

#[async_trait]
impl AroundHook for Session {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        let outcome = ctx.params.get::<Outcome>().cloned().unwrap_or_default();
        ctx.params.insert(outcome.clone());
        let seen = self.0.changes().count();
        self.check_site(ctx)?;
        next.run(ctx).await?;
        ctx.event = None;
        let Some(login) = outcome.take() else { return Ok(()) };
        // The listeners of one login have run before the next one takes the connection over.
        let turn = ctx.params.connection.as_ref().map(|connection| self.0.changes().turn(connection));
        let _one_at_a_time = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        match *ctx.method() {
            Method::Create => self.logged_in(ctx, &login, outcome.quiet, seen).await,
            _ => self.logged_out(ctx, &login).await,
        }
    }
}

impl Session {
    /// Refuses a login by a form of another site, whose answer would set a cookie: the browser would be logged in as
    /// another user, unnoticed.
    ///
    /// A page that sends JSON to another site has asked for permission first, and gets no cookie.
    fn check_site(&self, ctx: &Context) -> Result<()> {
        if *ctx.method() != Method::Create || !self.is_of_another_site(ctx) {
            return Ok(());
        }
        let kind = ctx.params.headers.value("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        Err(Error::forbidden("a page of another site may not log in here"))
    }

    /// Tells whether a page of another site makes a login that would set a cookie.
    fn is_of_another_site(&self, ctx: &Context) -> bool {
        // The answer of a provider comes from its site, and is known by its state.
        #[cfg(feature = "oauth")]
        let is_callback = ctx.params.get::<crate::oauth::Callback>().is_some();
        #[cfg(not(feature = "oauth"))]
        let is_callback = false;
        self.0.config().cookie.is_some() && ctx.params.get::<CrossSite>().is_some() && !is_callback
    }

    async fn logged_in(&self, ctx: &mut Context, login: &Authenticated, quiet: bool, seen: u64) -> Result<()> {
        if let Some(connection) = ctx.params.connection.clone() {
            self.0.attach(&connection, login, &ctx.params, seen).await?;
            ctx.params.connection = Some(connection.current());
        }
        let token = login.credentials().and_then(|credentials| credentials.text("accessToken"));
        if let (Some(cookie), Some(Provider::REST), Some(token)) = (&self.0.config().cookie, ctx.params.provider, token)
            && !self.is_of_another_site(ctx)
        {
            let expires = login.payload().and_then(expires).unwrap_or(0);
            let seconds = expires.saturating_sub(crate::token::now());
            ctx.http.headers.push((http::header::SET_COOKIE, cookie::set(cookie, token, seconds)?));
        }
        if ctx.params.is_external() && !quiet {
            let result = ctx.result.clone().unwrap_or_default();
            let mut params = ctx.params.clone();
            params.insert(login.clone());
            ctx.app().login(&Login::new(result, params)).await;
        }
        Ok(())
    }

    async fn logged_out(&self, ctx: &mut Context, login: &Authenticated) -> Result<()> {
        let connection = ctx.params.connection.clone();
        if let (Some(cookie), Some(Provider::REST)) = (&self.0.config().cookie, ctx.params.provider) {
            ctx.http.headers.push((http::header::SET_COOKIE, cookie::clear(cookie)?));
        }
        let attached = connection.is_none_or(|connection| self.0.detach(&connection, login));
        if self.0.config().revoke_on_logout {
            self.0.revoke_login(login).await?;
        }
        if ctx.params.is_external() && attached {
            let result = ctx.result.clone().unwrap_or_default();
            ctx.app().logout(&Login::new(result, ctx.params.clone())).await;
        }
        Ok(())
    }
}
