//! The services of a login: `oauth/:provider` begins it, `oauth/:provider/callback` ends it.

use std::sync::Arc;

use feathers_core::{
    AppHandle, Call, Descriptor, Encoding, Error, Method, Params, Payload, Reply, Request, Result, Service, async_trait,
};
use http::header::SET_COOKIE;
use serde_json::{Map, Value, json};
use url::Url;

use super::answer::{Answer, escape};
use super::flow::{Flow, Ready};
use super::provider::{Granted, Provider};
use super::session::{self, Session};
use super::strategy::Callback;
use crate::auth::Auth;
use crate::config::Secret;

/// Where a browser goes that asks for a provider that there is not.
const UNKNOWN: &str = "/?error=Grant%3A%20missing%20or%20misconfigured%20provider";

/// Sends browsers to a provider.
#[derive(Debug)]
pub(super) struct StartService {
    pub(super) flow: Arc<Flow>,
    pub(super) auth: Auth,
}

#[async_trait]
impl Service for StartService {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([]).method(Method::Find, "Sends the browser to the provider.").docs("Logins by other sites.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let params = request.params;
        self.auth.limits().step(params)?;
        let ready = self.flow.ready()?;
        let name = params.route.value("provider").unwrap_or_default();
        let Some(provider) = ready.provider(name) else { return Ok(Answer::to(UNKNOWN).leave(params)) };
        let (callback, own) = ready.callback(provider, &callback_path(request.path, name), &params.headers)?;

        let mut query = params.query.clone();
        let token = query.shift_remove("feathers_token").and_then(|token| token.as_str().map(str::to_owned));
        let path = query.shift_remove("redirect");
        let path = match &path {
            None => None,
            Some(Value::String(path)) => Some(path.as_str()),
            Some(_) => return Err(Error::not_authenticated("Invalid redirect path.")),
        };
        let target = ready.targets.target(&params.headers, path, &own, token.is_some())?;

        let mut session = Session::new(name, target, query);
        session.token = token;
        let location = provider.begin(&callback, &mut session);
        Ok(Answer::to(location).cookie(ready.sessions.write(session, &callback)?).leave(params))
    }

    async fn setup(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        self.flow.ready().map(drop)
    }
}

/// Takes browsers back from a provider.
#[derive(Debug)]
pub(super) struct CallbackService {
    pub(super) flow: Arc<Flow>,
    pub(super) auth: Auth,
}

#[async_trait]
impl Service for CallbackService {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([])
            .method(Method::Find, "Ends a login with what the provider has put into the query.")
            .method(Method::Create, "Ends a login with what the provider has put into the body.")
            .docs("Answers of other sites.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let params = request.params;
        self.auth.limits().step(params)?;
        let ready = self.flow.ready()?;
        let name = params.route.value("provider").unwrap_or_default();
        let Some(provider) = ready.provider(name) else { return Ok(Answer::to(UNKNOWN).leave(params)) };
        let session = ready.sessions.take(&params.headers, name).ok_or_else(|| {
            let message = "No valid oAuth response. You must initiate the oAuth flow from the authorize endpoint.";
            Error::not_authenticated(message)
        })?;
        let sent = match request.method {
            Method::Create => request.data.value()?.as_object().cloned().unwrap_or_default(),
            _ => params.query.clone(),
        };
        let (callback, _) = ready.callback(provider, &callback_path(request.path, name), &params.headers)?;
        let login = Login { ready, provider, session: &session, callback: &callback };
        let answer = match login.run(&sent, &request, &self.auth).await {
            Ok((token, reply)) => {
                // A token has no character that means anything in a URL.
                let mut answer = Answer::to(format!("{}access_token={token}", session.target));
                let cookies = reply.http.headers.into_iter().filter(|(name, _)| *name == SET_COOKIE);
                answer.headers.extend(cookies);
                answer
            }
            Err(error) => Answer::to(format!("{}error={}", session.target, escape(error.message()))),
        };
        Ok(answer.cookie(session::clear(&callback)?).leave(params))
    }
}

/// One login that the provider has sent back.
struct Login<'a> {
    ready: &'a Ready,
    provider: &'a Provider,
    session: &'a Session,
    callback: &'a Url,
}

impl Login<'_> {
    /// Checks what was sent, asks the provider for the profile, and logs in by the service. Returns the token.
    async fn run(&self, sent: &Map<String, Value>, request: &Request<'_>, auth: &Auth) -> Result<(String, Reply)> {
        let text = |name: &str| sent.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if !self.session.is_state(text("state").unwrap_or_default()) {
            return Err(Error::not_authenticated("Grant: OAuth2 state mismatch"));
        }
        if self.provider.is_foreign(text("iss")) {
            return Err(Error::not_authenticated("The answer is that of another provider"));
        }
        if let Some(error) = text("error") {
            return Err(Error::not_authenticated(text("error_description").unwrap_or(error)));
        }
        let missing = || Error::not_authenticated("Grant: OAuth2 missing code parameter");
        let code = text("code").ok_or_else(missing)?;
        let granted = self.provider.finish(code, self.callback, self.session, &self.ready.fetch).await?;
        let reply = self.login(granted, request, auth).await?;
        let token = reply.result.value()?.get("accessToken").and_then(Value::as_str).map(str::to_owned);
        let token = token.ok_or_else(|| Error::internal("a login has made no token"))?;
        Ok((token, reply))
    }

    /// Logs in as a client would, so that the hooks of the service run.
    async fn login(&self, granted: Granted, request: &Request<'_>, auth: &Auth) -> Result<Reply> {
        let (app, path, name) = (request.app, auth.path(), &self.session.provider);
        let route = app.lookup(path, Encoding::Plain)?;
        let route = route.ok_or_else(|| Error::general(format!("there is no service '{path}'")))?;
        let mut params = Params::new();
        params.provider = request.params.provider;
        params.headers = request.params.headers.clone();
        params.address = request.params.address;
        params.query = self.session.query.clone();
        let token = self.session.token.clone().map(Secret::from);
        params.insert(Callback { provider: name.clone(), token });
        let mut data = json!({ "strategy": name, "profile": granted.profile, "access_token": granted.access_token });
        if let Some(token) = granted.refresh_token {
            data["refresh_token"] = token.into();
        }
        app.call(Call { route, method: Method::Create, id: None, data: data.into(), params }).await
    }
}

/// Returns the path of the callback that belongs to the path of one of the services.
fn callback_path(path: &str, provider: &str) -> String {
    let start = path.strip_suffix("/callback").unwrap_or(path);
    format!("/{}/callback", start.replace(":provider", provider))
}
