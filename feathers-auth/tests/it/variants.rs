//! Other ways than users with passwords: plain routes, tokens without a user, keys of programs, revocations in a service.

use std::sync::Arc;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use feathers_auth::{
    ApiKey, Auth, AuthConfig, Authenticated, Authentication, CurrentUser, Identity, Revocation, Strategy, authenticate,
    hash_password,
};
use feathers_core::{
    App, AppHandle, Context, Credentials, Document, Error, Memory, Method, Params, Result, async_trait,
};
use feathers_transports::{Running, Server};
use serde_json::{Value, json};
use tokio::time::Instant;

fn config() -> AuthConfig {
    let mut config = AuthConfig::new("a secret for tests, of more than 32 bytes");
    (config.password.memory, config.password.iterations) = (64, 1);
    config
}

/// Creates a user and logs her in.
async fn login(app: &AppHandle) -> Value {
    let ada = json!({ "email": "ada@example.com", "password": "enchantress" });
    app.service("users").unwrap().create(ada, ()).await.unwrap();
    let login = json!({ "strategy": "local", "email": "ada@example.com", "password": "enchantress" });
    app.service("authentication").unwrap().create(login, ()).await.unwrap().value().unwrap().clone()
}

/// Asks with a token, or without one.
async fn ask(running: &Running, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = reqwest::Client::new().get(format!("{}/{path}", running.url()));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn plain_routes_are_behind_a_login() {
    async fn report(Extension(who): Extension<Authenticated>) -> String {
        json!({ "for": who.entity().unwrap().value().unwrap()["email"] }).to_string()
    }
    let mut app = App::new();
    app.service("users", Memory::<Document>::new()).before("create", hash_password("password"));
    let auth = Authentication::new(config()).jwt().local("email").install(&mut app);
    let routes = Router::new().route("/report", get(report)).layer(auth.layer("jwt"));
    let running = Server::new(app).merge(routes).bind("127.0.0.1:0").start().await.unwrap();
    let token = login(running.handle()).await["accessToken"].as_str().unwrap().to_owned();

    let (status, error) = ask(&running, "report", None).await;
    assert_eq!((status, &error["name"]), (401, &json!("NotAuthenticated")));
    assert_eq!(error["message"], "Not authenticated");
    let (status, error) = ask(&running, "report", Some("nonsense")).await;
    assert_eq!((status, &error["message"]), (401, &json!("jwt malformed")));
    assert_eq!(ask(&running, "report", Some(&token)).await, (200, json!({ "for": "ada@example.com" })));

    auth.revoke(1).await.unwrap();
    assert_eq!(ask(&running, "report", Some(&token)).await.0, 401);
}

/// Guests say their name, and it is not checked.
struct Guest;

#[async_trait]
impl Strategy for Guest {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, _auth: &Auth) -> Result<Identity> {
        let name = credentials.text("name").ok_or_else(|| Error::not_authenticated("a guest has a name"))?;
        Ok(Identity::claims([("guest", name)]))
    }
}

#[tokio::test]
async fn tokens_without_a_user_carry_claims() {
    async fn greet(ctx: &mut Context) -> Result<()> {
        let who = ctx.params.authenticated();
        let guest = who.as_ref().and_then(|who| who.payload()).map(|claims| claims["guest"].clone());
        ctx.result = Some(json!({ "guest": guest }).into());
        Ok(())
    }
    let mut config = config();
    config.entity = None;
    let mut app = App::new();
    app.service("greeting", Memory::<Document>::new()).before("all", authenticate("jwt")).before("find", greet);
    app.configure(Authentication::new(config).jwt().strategy("guest", Guest));
    let running = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();

    let service = running.handle().service("authentication").unwrap();
    let result = service.create(json!({ "strategy": "guest", "name": "Ada" }), ()).await.unwrap();
    let result = result.value().unwrap();
    let payload = &result["authentication"]["payload"];
    assert_eq!((&payload["guest"], payload.get("sub"), result.get("user")), (&json!("Ada"), None, None));
    let token = result["accessToken"].as_str().unwrap();
    assert_eq!(ask(&running, "greeting", Some(token)).await, (200, json!({ "guest": "Ada" })));
    let error = service.create(json!({ "strategy": "guest" }), ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (401, "a guest has a name"));
}

#[tokio::test]
async fn programs_come_in_with_a_key() {
    let mut app = App::new();
    app.service("backup", Memory::<Document>::new()).before("all", authenticate("api-key"));
    app.configure(Authentication::new(config()).api_key(ApiKey::keys([("nightly", "the key of the night")])));
    let running = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();
    let ask = async |key: &str| {
        let request = reqwest::Client::new().get(format!("{}/backup", running.url())).header("x-api-key", key);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!((ask("the key of the night").await, ask("the key of the day!!").await, ask("").await), (200, 401, 401));
}

#[tokio::test]
async fn revocations_outlive_the_process_and_reach_the_others() {
    let (revoked, people) = (Arc::new(Memory::<Revocation>::new()), Arc::new(Memory::<Document>::new()));
    let start = async || {
        let mut app = App::new();
        app.service("users", people.clone()).before("create", hash_password("password"));
        app.service("revocations", revoked.clone()).methods::<Method>([]);
        let authentication = Authentication::new(config()).jwt().local("email").revocations("revocations");
        let auth = authentication.install(&mut app);
        (app.start().await.unwrap(), auth)
    };
    let ((one, auth), (other, _)) = (start().await, start().await);
    let token = login(&one).await["accessToken"].clone();
    let again = async |app: &AppHandle| {
        let login = json!({ "strategy": "jwt", "accessToken": token });
        let result = app.service("authentication").unwrap().create(login, ()).await;
        result.map(drop).map_err(|error| error.message().to_owned())
    };
    assert_eq!((again(&one).await, again(&other).await), (Ok(()), Ok(())));

    auth.revoke(1).await.unwrap();
    assert_eq!(again(&one).await, Err("jwt revoked".to_owned()));
    let deadline = Instant::now() + Duration::from_secs(1);
    while again(&other).await.is_ok() {
        assert!(Instant::now() < deadline, "the other process does not notice it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (later, _) = start().await;
    assert_eq!(again(&later).await, Err("jwt revoked".to_owned()));
}
