//! A server with users, logins and events, and how to ask it.

use std::time::Duration;

use feathers::prelude::*;
use feathers::transports::{Running, Transport};
use feathers_auth::Auth;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// How long anything may take that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What signs the tokens.
pub(crate) const SECRET: &str = "a secret of the tests, of which all know";

/// The password of all users.
pub(crate) const PASSWORD: &str = "correct horse";

/// The ids of the users.
pub(crate) const ADA: i64 = 1;
pub(crate) const BOB: i64 = 2;

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct User {
    #[service(id)]
    id: i64,
    email: String,
    #[service(hidden)]
    password: String,
    /// Absent rather than null, as many write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default)]
    banned: Option<bool>,
    /// Like `banned`, but hidden from clients.
    #[serde(default)]
    #[service(hidden)]
    locked: Option<bool>,
    #[serde(default)]
    #[service(hidden)]
    private: Option<Value>,
}

/// A server that runs.
pub(crate) struct World {
    pub(crate) server: Running,
    pub(crate) auth: Auth,
    pub(crate) http: reqwest::Client,
    /// Whether Socket.IO clients can be asked to reconnect.
    pub(crate) has_recovery: bool,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The settings of all worlds: hashes cost little, and attempts are not limited.
pub(crate) fn config() -> AuthConfig {
    let mut config = AuthConfig::new(SECRET);
    (config.password.memory, config.password.iterations, config.password.threads) = (8, 1, Some(2));
    (config.limits.account, config.limits.address) = (0, 0);
    config.permission_fields.push("locked".to_owned());
    config
}

/// Adds users, notes whose events `ticked` go to the channel that they name, and what else is asked for.
///
/// A logged-in user is in `members` and in the channel of the role; all connections are in `lobby`.
pub(crate) fn app(config: AuthConfig, more: impl FnOnce(&mut App)) -> (App, Auth) {
    let mut app = App::new();
    app.service("users", Memory::<User>::new()).before(["create", "update", "patch"], hash_password("password"));
    app.service("notes", Memory::<Document>::new()).events(["ticked"]).publish(|publication: &Publication, app| {
        let data = publication.data.value().unwrap();
        app.channel(data["to"].as_str().unwrap_or("members"))
    });
    app.service("secrets", Memory::<Document>::new()).before("all", authenticate("jwt"));
    app.on_connect(|connection, app| app.channel("lobby").join(connection));
    app.on_login(|login, app| {
        let Some(connection) = login.connection() else { return };
        app.channel("members").join(connection);
        if let Some(role) = login.params.user().unwrap().value().unwrap()["role"].as_str() {
            app.channel(role).join(connection);
        }
    });
    app.on_logout(|login, app| {
        if let Some(connection) = login.connection() {
            app.channel("lobby").join(connection);
        }
    });
    let authentication = Authentication::new(config).jwt().local("email").check_user(|user| {
        let user = user.value()?;
        let banned = user["banned"] == true || user["locked"] == true;
        if banned { Err(Error::forbidden("you are banned")) } else { Ok(()) }
    });
    let auth = authentication.install(&mut app);
    more(&mut app);
    (app, auth)
}

/// Starts a server with the users `ada`, who is an admin, `bob` and `eve`.
pub(crate) async fn world() -> World {
    World::start(config(), |_| {}).await
}

impl World {
    pub(crate) async fn start(config: AuthConfig, more: impl FnOnce(&mut App)) -> Self {
        let (app, auth) = app(config, more);
        let world = Self::serve(app, auth, |server| server).await;
        world.add_users().await;
        world
    }

    pub(crate) async fn add_users(&self) {
        for (name, role) in [("ada", Some("admin")), ("bob", None), ("eve", None)] {
            let mut user = json!({ "email": email(name), "password": PASSWORD });
            if let Some(role) = role {
                user["role"] = role.into();
            }
            self.handle().service("users").unwrap().create(user, ()).await.unwrap();
        }
    }

    pub(crate) async fn serve(app: App, auth: Auth, options: impl FnOnce(Server) -> Server) -> Self {
        let server = options(Server::new(app)).transport(SocketIo::new()).transport(Realtime::new());
        let server = server.transport(feathers::transports::Rest::new()).without_defaults();
        Self::on(server, auth).await
    }

    /// Serves an app with this transport and REST only.
    pub(crate) async fn serve_alone(app: App, auth: Auth, transport: impl Transport) -> Self {
        let server = Server::new(app).transport(transport).transport(feathers::transports::Rest::new());
        let world = Self::on(server.without_defaults(), auth).await;
        Self { has_recovery: false, ..world }
    }

    async fn on(server: Server, auth: Auth) -> Self {
        let server = server.bind("127.0.0.1:0").start().await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { server, auth, http, has_recovery: true }
    }

    pub(crate) fn handle(&self) -> &AppHandle {
        self.server.handle()
    }

    /// Waits until there is no connection any more.
    pub(crate) async fn until_empty(&self) {
        tokio::time::timeout(PATIENCE, async {
            while self.handle().connections() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("connections live on");
    }

    /// Publishes a numbered event to a channel.
    pub(crate) fn tick(&self, channel: &str, n: u64) {
        self.handle().service("notes").unwrap().emit("ticked", Payload::from(json!({ "n": n, "to": channel })));
    }

    /// Changes a user from inside.
    pub(crate) async fn patch(&self, id: i64, data: Value) {
        self.handle().service("users").unwrap().patch(Id::from(id), data, ()).await.unwrap();
    }

    /// Sends a request with JSON, if there is any.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.server.url()));
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// Sends a request with a token.
    pub(crate) async fn ask_as(&self, token: &str, method: &str, path: &str, body: &str) -> Answer {
        self.ask(method, path, &[("authorization", &format!("Bearer {token}"))], body).await
    }

    /// Tries to log in over REST.
    pub(crate) async fn try_login(&self, data: &Value) -> Answer {
        self.ask("POST", "/authentication", &[], &data.to_string()).await
    }

    /// Logs in and returns the token.
    pub(crate) async fn login(&self, name: &str) -> String {
        let answer = self.try_login(&local(name)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["accessToken"].as_str().unwrap().to_owned()
    }

    /// Makes a ticket.
    pub(crate) async fn ticket(&self, token: &str) -> String {
        let answer = self.ask_as(token, "POST", "/authentication/ticket", "{}").await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["ticket"].as_str().unwrap().to_owned()
    }

    /// Returns the status of a call that needs a login.
    pub(crate) async fn status_of(&self, token: &str) -> u16 {
        self.ask_as(token, "GET", "/secrets", "").await.status
    }
}

pub(crate) fn email(name: &str) -> String {
    format!("{name}@example.com")
}

/// Returns a login with the right password.
pub(crate) fn local(name: &str) -> Value {
    json!({ "strategy": "local", "email": email(name), "password": PASSWORD })
}

/// Returns a login with a token.
pub(crate) fn jwt(token: &str) -> Value {
    json!({ "strategy": "jwt", "accessToken": token })
}
