//! Searches everything that leaves the server, and everything that is logged, for secrets.

use std::fmt::Write as _;

use feathers::call::Provider;
use feathers::prelude::*;
use feathers::session::{Credentials, DisconnectReason, Handshake, HandshakeCredentials};
use feathers_auth::{ApiKey, Identity, KeyConfig};
use feathers_testing::CapturedLogs;

use crate::client::{Claim, Client, Way};
use crate::support::{BOB, World, app, config, email, jwt};

#[track_caller]
fn assert_clean(text: &str, secrets: &[&str], place: &str) {
    for secret in secrets {
        if let Some(at) = text.find(secret) {
            let from = text[..at].rfind('\n').map_or(at.saturating_sub(200), |line| line + 1);
            let shown: String = text[from..].chars().take(600).collect();
            panic!("{secret} is in {place}: {shown}");
        }
    }
}

/// Logs what a careless hook may.
async fn careless(ctx: &mut Context) -> Result<()> {
    tracing::info!(params = ?ctx.params, data = ?ctx.data, connection = ?ctx.params.connection, "careless");
    Ok(())
}

#[tokio::test]
async fn s10_s26_secrets_leave_the_server_in_no_way() {
    let logs = CapturedLogs::of_this_thread();
    let (password, later, hidden, key) = ("canary-password", "canary-later-one", "canary-hidden", "canary-api-key");

    let (app, auth) = app(config(), |app| {
        app.before("all", careless);
        app.service("broken", Memory::<Document>::new())
            .before("all", hook::with_state((), async |(): &(), _: &mut Context| Err(Error::internal("canary-cause"))));
    });
    let world = World::serve(app, auth, |server| server.metrics().access_log(true)).await;
    let mut seen = String::new();
    let user = json!({ "email": email("bob"), "password": password, "private": { "deep": [{ "er": hidden }] } });
    seen += &world.ask("POST", "/users", &[], &user.to_string()).await.text;
    let login = json!({ "strategy": "local", "email": email("bob"), "password": password });
    let answer = world.try_login(&login).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let token = answer.json()["accessToken"].as_str().unwrap().to_owned();
    seen += &answer.text;
    let mut clients = Vec::new();
    for way in Way::ALL {
        clients.push(Client::listen(&world, way, Claim::token(&token)).await);
    }
    for client in clients.iter_mut().filter(|client| Way::SOCKETS.contains(&client.way)) {
        client.login(&login).await.unwrap();
        client.login(&jwt(&token)).await.unwrap();
        client.login(&json!({ "strategy": "local", "email": email("bob"), "password": later })).await.unwrap_err();
        client.call("find", "users", json!({ "query": { "password": "x" } })).await.unwrap_err();
        client.call("find", "users", json!({})).await.unwrap();
        client.call("patch", "users", json!({ "id": 1, "data": { "private": hidden } })).await.unwrap();
        client.call("find", "broken", json!({})).await.unwrap_err();
    }
    for (method, path, body) in [
        ("GET", "/users", String::new()),
        ("GET", "/users/1", String::new()),
        ("GET", "/users?$select[]=email", String::new()),
        ("GET", "/users?$sort[private]=1", String::new()),
        ("GET", "/secrets", String::new()),
        ("GET", "/broken", String::new()),
        ("PATCH", "/users/1?$select[]=email", json!({ "private": [hidden] }).to_string()),
        ("PUT", "/users/1", json!({ "email": email("bob"), "password": later, "private": hidden }).to_string()),
        ("POST", "/users", json!([user, user]).to_string()),
        ("POST", "/users", json!({ "email": { "a": 1 }, "password": password, "private": hidden }).to_string()),
        ("PATCH", "/users/1", json!({ "password": { "a": password } }).to_string()),
        ("PATCH", "/users/1", json!({ "password": "1" }).to_string()),
        ("POST", "/authentication", json!({ "strategy": "jwt", "accessToken": "a.b.c" }).to_string()),
        ("POST", "/authentication", json!({ "strategy": later, "email": hidden }).to_string()),
        ("DELETE", "/users/2", String::new()),
    ] {
        let answer = world.ask_as(&token, method, path, &body).await;
        writeln!(seen, "{answer:?}").unwrap();
    }
    seen += &world.ask("GET", "/secrets", &[("x-api-key", key), ("authorization", later)], "").await.text;
    for client in &mut clients {
        client.closed().await;
        seen += &client.bytes;
    }
    assert!(seen.contains("bob@example.com"));
    let hash = {
        let user = world.handle().service("users").unwrap().get(Id::from(1), ()).await.unwrap();
        user.value().unwrap()["password"].as_str().unwrap().to_owned()
    };
    assert_clean(&seen, &[password, later, hidden, &hash, "$argon2", "canary-cause", key], "what clients see");

    let log = logs.text();
    assert!(log.contains("careless") && log.contains("canary-cause") && log.contains("TRACE"), "{}", log.len());
    let signature = token.rsplit('.').next().unwrap();
    assert_clean(&log, &[password, later, hidden, &hash, "$argon2", &token, signature, key], "the log");
    let metrics = world.ask("GET", "/metrics", &[], "").await.text;
    assert!(metrics.contains("feathers_"), "{metrics}");
    assert_clean(&metrics, &[password, later, hidden, &token, key, "bob@"], "the metrics");
}

#[tokio::test]
async fn s26_no_public_type_shows_a_secret() {
    let secret = "canary-secret-canary-secret-canary";
    let mut config = config();
    config.secret = Some(secret.into());
    config.jwt.keys = vec![KeyConfig::new("kid", Some(secret.into()), "public")];
    let keys = ApiKey::keys([("name", secret)]);
    let credentials = Credentials::new(json!({ "strategy": "x", "password": secret }).as_object().unwrap().clone());
    let user = Payload::from(json!({ "id": 1, "password": secret }));
    let mut shown = format!("{config:?} {:?} {keys:?} {credentials:?} {user:?}", config.secret);
    write!(shown, "{:?} {:?}", HandshakeCredentials::Sent(credentials.clone()), Identity::of(user.clone())).unwrap();
    write!(shown, "{:?}", Handshake::new(Provider::REST).credentials(HandshakeCredentials::Recovered(credentials)))
        .unwrap();
    write!(shown, "{:?}", Error::internal("cause").to_value()).unwrap();
    config.jwt.keys.clear();

    let world = World::start(config, |_| {}).await;
    let token = world.login("bob").await;
    let mut client = Client::listen(&world, Way::WebSocket, Claim::bearer(&token)).await;
    let [connection] = world.auth.connections(BOB).try_into().unwrap();
    connection.insert(user);
    let login = connection.authenticated().unwrap();
    let mut params = Params::new();
    params.connection = Some(connection.clone());
    params.headers = connection.headers().clone();
    params.insert(login.clone());
    write!(shown, "{connection:?} {params:?} {login:?} {:?} {:?}", world.auth, world.auth.config()).unwrap();
    write!(shown, "{:?} {:?}", world.auth.passwords(), world.handle()).unwrap();
    write!(shown, "{:?}", Authentication::new(crate::support::config()).jwt().local("email")).unwrap();
    world.auth.revoke(BOB).await.unwrap();
    client.closed().await;
    write!(shown, "{connection:?} {:?}", connection.disconnect_reason()).unwrap();
    assert!(matches!(connection.disconnect_reason(), Some(DisconnectReason::Unauthenticated(_))));
    let hash = login.entity().unwrap().value().unwrap()["password"].as_str().unwrap().to_owned();
    assert_clean(&shown, &[secret, &token, &hash, "$argon2", crate::support::SECRET], "the debug output");
}

#[tokio::test]
async fn s26_a_key_in_a_header_of_any_name_is_not_shown() {
    let mut config = config();
    "x-own-token".clone_into(&mut config.jwt.header);
    let world = World::start(config, |_| {}).await;
    let token = world.login("bob").await;
    let claim = Claim { headers: vec![("x-own-token", token.clone())], ..Claim::default() };
    let _client = Client::listen(&world, Way::Sse, claim).await;
    let [connection] = world.auth.connections(BOB).try_into().unwrap();
    assert_eq!(connection.headers().value("x-own-token"), Some(&*token));
    assert_clean(&format!("{:?}", connection.headers()), &[&token], "the headers");
}
