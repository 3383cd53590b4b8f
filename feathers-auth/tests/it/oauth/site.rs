//! An app of the tests, and a browser without a screen.

use feathers_auth::{AuthConfig, Authentication, OAuth, OAuthConfig, ProviderConfig, hash_password};
use feathers_core::{App, AppHandle, Document, Memory, Result};
use feathers_transports::{Running, Server};
use serde_json::{Value, json};
use url::Url;

use super::provider::{FakeProvider, KEY, SECRET};

pub(crate) const PAGE: &str = "http://localhost:3000/login";

/// A running app whose provider is `fake`, and `oidc` for OpenID Connect.
pub(crate) struct Site {
    pub(crate) provider: FakeProvider,
    server: Running,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// Returns the session cookie as a browser sends it.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.cookies.iter().find(|cookie| cookie.starts_with("feathers.oauth=")).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, code: u16, message: &str) {
        assert_eq!((self.status, self.body["message"].as_str()), (code, Some(message)), "{self:?}");
        assert!(self.location.is_empty() && self.cookies.is_empty(), "{self:?}");
    }

    /// Checks that the login has failed, the browser knows why, and the cookie is gone.
    #[track_caller]
    pub(crate) fn assert_failed(&self, message: &str) {
        assert_eq!((self.status, self.location.as_str()), (303, &*format!("http://localhost:3000#error={message}")));
        assert_eq!(self.cookies.len(), 1, "{self:?}");
        assert!(self.cookies[0].starts_with("feathers.oauth=; Path=/oauth/"), "{self:?}");
        assert!(self.cookies[0].contains("; Max-Age=0; HttpOnly; SameSite=Lax"), "{self:?}");
    }

    /// Returns the token that the page finds.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        assert_eq!(self.status, 303, "{self:?}");
        self.location.split_once("access_token=").unwrap_or_else(|| panic!("{self:?}")).1.to_owned()
    }
}

/// Returns the settings of a provider that is not OpenID Connect, and of one that is.
pub(crate) fn config(provider: &FakeProvider) -> AuthConfig {
    let url = |path: &str| Some(format!("{}/{path}", provider.url));
    let mut fake = ProviderConfig::new(KEY, SECRET);
    (fake.authorize_url, fake.token_url, fake.profile_url) = (url("authorize"), url("token"), url("profile"));
    fake.scope = Some(vec!["a".to_owned(), "b".to_owned()]);
    let mut oidc = ProviderConfig::new(KEY, SECRET);
    (oidc.authorize_url, oidc.token_url, oidc.jwks_url) = (url("authorize"), url("token"), url("jwks"));
    (oidc.issuer, oidc.algorithm) = (Some(provider.url.clone()), Some("ES256".to_owned()));
    let mut config = AuthConfig::new("a secret of 32 bytes or more, please");
    config.auth_strategies = Some(vec!["jwt".to_owned(), "local".to_owned()]);
    (config.limits.account, config.limits.address) = (0, 0);
    let mut oauth = OAuthConfig::default();
    oauth.origins = vec!["http://localhost:3000".to_owned(), "https://app.example".to_owned()];
    oauth.providers = [("fake".to_owned(), fake), ("oidc".to_owned(), oidc)].into();
    config.oauth = oauth;
    config
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// Changes the settings.
    pub(crate) async fn with(change: impl FnOnce(&mut AuthConfig)) -> Self {
        Self::build(change, OAuth::new(), |_| {}).await
    }

    pub(crate) async fn build(change: impl FnOnce(&mut AuthConfig), oauth: OAuth, more: impl FnOnce(&mut App)) -> Self {
        let provider = FakeProvider::start().await;
        let mut config = config(&provider);
        change(&mut config);
        let mut app = App::new();
        app.service("users", Memory::<Document>::new())
            .before(["create", "update", "patch"], hash_password("password"));
        app.configure(Authentication::new(config).jwt().local("email").oauth_with(oauth));
        more(&mut app);
        let server = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { provider, server, client }
    }

    pub(crate) fn app(&self) -> &AppHandle {
        self.server.handle()
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url()) };
        let request = self.client.get(url);
        self.send(request, headers).await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url())).json(body);
        self.send(request, headers).await
    }

    pub(crate) async fn send(&self, mut request: reqwest::RequestBuilder, headers: &[(&str, &str)]) -> Answer {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let header = |name: &str| response.headers().get_all(name).iter().map(|value| value.to_str().unwrap());
        Answer {
            status: response.status().as_u16(),
            location: header("location").next().unwrap_or_default().to_owned(),
            cookies: header("set-cookie").map(str::to_owned).collect(),
            body: response.json().await.unwrap_or_default(),
        }
    }

    /// Begins a login on the page.
    pub(crate) async fn begin(&self, path: &str) -> Answer {
        let begun = self.get(path, &[("referer", PAGE)]).await;
        assert_eq!(begun.status, 303, "{begun:?}");
        begun
    }

    /// Brings the browser back, with what the provider has said and the cookie.
    pub(crate) async fn back(&self, url: &Url, cookie: &str) -> Answer {
        self.get(url.as_str(), &[("cookie", cookie)]).await
    }

    /// Logs in, from the beginning to the end.
    pub(crate) async fn login(&self, path: &str) -> Answer {
        let begun = self.begin(path).await;
        self.back(&self.provider.authorize(&begun.location), &begun.cookie()).await
    }

    pub(crate) async fn users(&self) -> Vec<Value> {
        let found = self.app().service("users").unwrap().find(()).await.unwrap();
        found.value().unwrap().as_array().unwrap().clone()
    }

    pub(crate) async fn add_user(&self, user: Value) -> Result<String> {
        let user = self.app().service("users")?.create(user, ()).await?;
        let id = &user.value()?["id"];
        Ok(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    }

    /// Returns whose token it is, after the service has taken it.
    pub(crate) async fn owner(&self, token: &str) -> Value {
        let login = json!({ "strategy": "jwt", "accessToken": token });
        let answer = self.post("/authentication", &[], &login).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["user"].clone()
    }
}
