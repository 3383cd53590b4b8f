//! What callers read who use authentication wrongly, and settings and revocations where an app has them: in files
//! and in a database.

use feathers::auth::{Auth, Revocation};
use feathers::prelude::*;
use feathers::{Error, Method};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

fn config() -> AuthConfig {
    let mut config = AuthConfig::new("a secret for tests, of more than 32 bytes");
    (config.password.memory, config.password.iterations) = (64, 1);
    config
}

/// Asks a service of an app from outside, and returns what is wrong.
async fn ask(app: App, path: &str) -> (u16, String) {
    let app = app.start().await.unwrap();
    let client = feathers_testing::Client::connect(&app).await;
    let error: Error = client.service(path).find().await.unwrap_err();
    (error.code(), error.message().to_owned())
}

#[tokio::test]
async fn the_hook_says_where_it_belongs() {
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new()).before("all", authenticate("jwt"));
    assert_eq!(ask(app, "notes").await, (401, "Could not find a valid authentication service".to_owned()));

    let mut app = App::new();
    app.service("notes", Memory::<Document>::new()).after("all", authenticate("jwt"));
    app.service("users", Memory::<Document>::new());
    app.configure(Authentication::new(config()).jwt());
    assert_eq!(ask(app, "notes").await, (401, "The authenticate hook must be used as a before hook".to_owned()));

    let mut app = App::new();
    app.before("create", authenticate("jwt"));
    app.service("users", Memory::<Document>::new());
    app.configure(Authentication::new(config()).jwt());
    let app = app.start().await.unwrap();
    let error = app.service("authentication").unwrap().create(json!({ "strategy": "jwt" }), ()).await.unwrap_err();
    let message = "The authenticate hook does not need to be used on the authentication service";
    assert_eq!((error.code(), error.message()), (401, message));
}

#[tokio::test]
async fn without_strategies_nobody_logs_in() {
    let mut config = config();
    config.auth_strategies = Some(Vec::new());
    let mut app = App::new();
    app.service("users", Memory::<Document>::new());
    app.configure(Authentication::new(config).jwt());
    let app = app.start().await.unwrap();
    let error = app.service("authentication").unwrap().create(json!({ "strategy": "jwt" }), ()).await.unwrap_err();
    let message = "No authentication strategies allowed for creating a JWT (`authStrategies`)";
    assert_eq!((error.code(), error.message()), (401, message));
}

#[tokio::test]
async fn a_websocket_logs_in_in_place() {
    let mut app = App::new();
    app.service("users", Memory::<Document>::new()).before("create", hash_password("password"));
    app.service("notes", Memory::<Document>::new()).before("all", authenticate("jwt"));
    app.configure(Authentication::new(config()).jwt().local("email"));
    let running = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();
    let ada = json!({ "email": "ada@example.com", "password": "enchantress" });
    running.handle().service("users").unwrap().create(ada, ()).await.unwrap();

    let (mut socket, _) = connect_async(format!("ws://{}/realtime", running.addr())).await.unwrap();
    let mut ask = async |method: &str, params: Value| -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        socket.send(Message::text(request.to_string())).await.unwrap();
        serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
    };
    ask("$hello", json!({})).await;
    assert_eq!(ask("find", json!({ "path": "notes" })).await["error"]["code"], 401);
    let wrong = json!({ "strategy": "local", "email": "ada@example.com", "password": "wrong" });
    let answer = ask("$auth", wrong).await;
    assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(401), &json!("Invalid login")));
    let right = json!({ "strategy": "local", "email": "ada@example.com", "password": "enchantress" });
    assert_eq!(ask("$auth", right).await["result"]["user"]["email"], "ada@example.com");
    assert_eq!(ask("find", json!({ "path": "notes" })).await["result"], json!([]));
}

#[tokio::test]
async fn settings_are_read_from_files_and_variables() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[authentication]\nservice = \"people\"\n[authentication.jwt]\nexpires_in = \"12h\"\n";
    std::fs::write(folder.path().join("default.toml"), text).unwrap();
    let read = |variables: Vec<(&str, &str)>| {
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::builder().folder(folder.path()).environment("test").variables(variables).load()?;
        config.get::<AuthConfig>("authentication")
    };
    let secret = ("FEATHERS__AUTHENTICATION__SECRET", "a secret for tests, of more than 32 bytes");
    let config = read(vec![secret]).unwrap();
    assert_eq!((&*config.service, config.jwt.expires_in.as_secs()), ("people", 12 * 3_600));
    assert!(
        Authentication::new(config).jwt().install(&mut App::new()).create_token(None, serde_json::Map::new()).is_ok()
    );

    let wrong = read(vec![secret, ("FEATHERS__AUTHENTICATION__JWT__EXPIRES_IN", "soon")]).unwrap_err();
    assert!(wrong.message().contains("FEATHERS__AUTHENTICATION__JWT__EXPIRES_IN"), "{wrong}");
    assert!(wrong.message().starts_with("authentication.jwt.expires_in"), "{wrong}");
}

#[tokio::test]
async fn revocations_are_kept_in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("app.db").display());
    let start = async || {
        let db = Database::connect(&url).await.unwrap();
        let mut app = App::new();
        app.service("users", Memory::<Document>::new());
        app.service("revocations", db.store::<Revocation>().await.unwrap()).methods::<Method>([]);
        let auth: Auth = Authentication::new(config()).jwt().revocations("revocations").install(&mut app);
        let app = app.start().await.unwrap();
        app.service("users").unwrap().create(json!({ "email": "ada@example.com" }), ()).await.unwrap();
        (app, auth)
    };
    let (app, auth) = start().await;
    let token = auth.create_token(Some("1"), serde_json::Map::new()).unwrap();
    let login = async |app: &feathers::AppHandle| {
        let login = json!({ "strategy": "jwt", "accessToken": token });
        let result = app.service("authentication").unwrap().create(login, ()).await;
        result.map(drop).map_err(|error| error.message().to_owned())
    };
    assert_eq!(login(&app).await, Ok(()));
    auth.revoke(1).await.unwrap();
    app.shutdown(std::time::Duration::from_secs(5)).await.unwrap();

    let (app, _) = start().await;
    assert_eq!(login(&app).await, Err("jwt revoked".to_owned()));
}
