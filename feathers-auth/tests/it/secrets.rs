//! Secrets that name a session: whoever is somebody else gets nothing by them, and none can be guessed or used twice.

use std::collections::HashSet;
use std::time::Duration;

use feathers::prelude::*;
use feathers_auth::ApiKey;
use serde_json::Value;

use crate::client::{Claim, Client, End, Way};
use crate::support::{ADA, BOB, World, config, jwt, local, world};

const OTHERS: &str = "this is the session of somebody else";

#[tokio::test]
async fn s7_the_session_of_somebody_else_is_a_403() {
    for way in [Way::LongPoll, Way::ShortPoll, Way::Sse, Way::WebSocket] {
        let world = world().await;
        let (bob, eve) = (world.login("bob").await, world.login("eve").await);
        let mut client = Client::listen(&world, way, Claim::token(&bob)).await;
        let conn = client.conn.clone().unwrap();
        let eve_header = format!("Bearer {eve}");
        let as_eve = [("authorization", eve_header.as_str()), ("x-connection-id", &conn)];
        let expired = crate::tokens::with_secret(
            crate::tokens::HEADER,
            &crate::tokens::claims(&json!({ "exp": 1 })),
            crate::support::SECRET,
        );
        let as_expired = [("authorization", expired.as_str()), ("x-connection-id", &conn)];
        let login = local("eve").to_string();
        for (method, path, body) in [
            ("GET", "/secrets", ""),
            ("POST", "/notes", "{}"),
            ("POST", "/authentication", login.as_str()),
            ("DELETE", "/authentication", ""),
            ("GET", "/realtime?wait=0", ""),
            ("GET", "/realtime", ""),
            ("DELETE", "/realtime", ""),
        ] {
            let answer = world.ask(method, path, &as_eve, body).await;
            assert_eq!(
                (answer.status, answer.json()["message"].as_str()),
                (403, Some(OTHERS)),
                "{way:?} {method} {path}"
            );
            let answer = world.ask(method, path, &as_expired, body).await;
            assert_eq!(answer.status, 401, "{way:?} {method} {path}: {answer:?}");
        }
        // Not even that nothing has happened.
        let cursor = world.handle().log().head().to_string();
        let path = format!("/realtime?wait=0&since={cursor}&conn={conn}");
        let tag = format!("\"{cursor}\"");
        let answer = world.ask("GET", &path, &[("authorization", &eve_header), ("if-none-match", &tag)], "").await;
        assert_eq!(answer.status, 403, "{way:?}");
        assert_eq!(world.auth.connections(BOB).len(), 1, "{way:?}");
        world.tick("members", 1);
        assert_eq!(client.events(1).await, [1], "{way:?}");
    }
}

#[tokio::test]
async fn s7_a_poll_with_the_secret_of_somebody_else_is_a_403_when_that_one_is_gone() {
    let world = world().await;
    let (bob, eve) = (world.login("bob").await, world.login("eve").await);
    let client = Client::listen(&world, Way::LongPoll, Claim::token(&bob)).await;
    world.auth.renew(BOB);
    world.until_empty().await;
    let claim = Claim { conn: client.conn.clone(), ..Claim::token(&eve) };
    let refused = Client::try_listen(&world, Way::LongPoll, claim).await.err();
    assert_eq!(refused, Some(End::Status(403)));
}

#[tokio::test]
async fn s7_a_new_token_of_the_same_user_is_no_somebody_else() {
    let world = world().await;
    let (token, later) = (world.login("bob").await, world.login("bob").await);
    let client = Client::listen(&world, Way::LongPoll, Claim::token(&token)).await;
    let claim = Claim { conn: client.conn.clone(), ..Claim::token(&later) };
    let again = Client::listen(&world, Way::LongPoll, claim).await;
    assert_eq!(again.conn, client.conn);
}

#[tokio::test]
async fn s7_a_program_with_a_key_may_poll() {
    let mut config = config();
    config.entity = None;
    let mut app = App::new();
    app.service("notes", Memory::<Json>::new()).events(["ticked"]).publish(|_, app| app.channel("programs"));
    app.on_login(|_, params, app| app.channel("programs").join(params.connection.as_ref().unwrap()));
    let keys = ApiKey::keys([("mailer", "key of the mailer"), ("printer", "key of the printer")]);
    let auth = Authentication::new(config).jwt().api_key(keys).install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    for way in [Way::LongPoll, Way::ShortPoll] {
        let key = |key: &str| Claim { headers: vec![("x-api-key", key.to_owned())], ..Claim::default() };
        let mut mailer = Client::listen(&world, way, key("key of the mailer")).await;
        world.tick("programs", 1);
        assert_eq!(mailer.events(1).await, [1], "{way:?}");
        let claim = Claim { conn: mailer.conn.clone(), ..key("key of the printer") };
        assert_eq!(Client::try_listen(&world, way, claim).await.err(), Some(End::Status(403)), "{way:?}");
        let claim = Claim { conn: mailer.conn.clone(), ..key("no key") };
        assert_eq!(Client::try_listen(&world, way, claim).await.err(), Some(End::Status(401)), "{way:?}");
    }
}

#[tokio::test]
async fn s7_a_client_that_takes_a_pid_over_is_who_it_says() {
    for way in [Way::Polling, Way::SocketIo] {
        let world = world().await;
        let (ada, eve) = (world.login("ada").await, world.login("eve").await);
        let mut client = Client::listen(&world, way, Claim::token(&ada)).await;
        world.tick("admin", 1);
        assert_eq!(client.events(1).await, [1], "{way:?}");
        world.tick("admin", 2);
        let claim = Claim { pid: client.pid.clone(), ..Claim::token(&eve) };
        let mut thief = Client::listen(&world, way, claim).await;
        let error = thief.call("get", "users", json!({ "id": 77 })).await.unwrap_err();
        assert_eq!(error["code"], 404, "{way:?}");
        world.tick("admin", 3);
        world.tick("members", 4);
        assert_eq!(thief.events(1).await, [4], "{way:?}");
        assert_eq!(world.auth.connections(ADA), [], "{way:?}");
    }
}

#[tokio::test]
async fn s7_names_of_sessions_cannot_be_guessed() {
    let world = world().await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        for way in [Way::WebSocket, Way::Sse, Way::ShortPoll] {
            let conn = Client::listen(&world, way, Claim::default()).await.conn.unwrap();
            assert!(conn.len() == 32 && conn.bytes().all(|byte| byte.is_ascii_hexdigit()), "{way:?}: {conn}");
            assert!(seen.insert(conn), "{way:?}");
        }
        let pid = Client::listen(&world, Way::SocketIo, Claim::default()).await.pid.unwrap();
        let secret = pid.split_once('.').unwrap().0;
        // 128 bits in base64.
        assert_eq!(secret.len(), 22, "{pid}");
        assert!(seen.insert(secret.to_owned()));
        let open = world.ask("GET", "/socket.io/?EIO=4&transport=polling", &[], "").await.text;
        let open: Value = serde_json::from_str(&open[1..]).unwrap();
        assert_eq!(open["sid"].as_str().unwrap().len(), 22);
        assert!(seen.insert(open["sid"].as_str().unwrap().to_owned()));
    }
    // Every place takes every value: no part of the names is always the same.
    let hex: Vec<&String> = seen.iter().filter(|name| name.len() == 32).collect();
    for place in 0..32 {
        let values: HashSet<u8> = hex.iter().map(|name| name.as_bytes()[place]).collect();
        assert!(values.len() > 8, "{place}: {values:?}");
    }
}

/// The ways that take a ticket.
const TICKETS: [Way; 6] = Way::ALL;

#[tokio::test]
async fn s7_a_ticket_opens_one_connection() {
    for way in TICKETS {
        let world = world().await;
        let ticket = world.ticket(&world.login("bob").await).await;
        assert!(ticket.len() >= 43, "{ticket}");
        let mut bob = Client::listen(&world, way, Claim::ticket(&ticket)).await;
        world.tick("members", 1);
        assert_eq!(bob.events(1).await, [1], "{way:?}");
        assert_eq!(world.auth.connections(BOB).len(), 1, "{way:?}");
        for second in TICKETS {
            let refused = Client::try_listen(&world, second, Claim::ticket(&ticket)).await.err();
            assert_eq!(refused, Some(refusal(second)), "{way:?}, then {second:?}");
        }
        assert_eq!(world.auth.connections(BOB).len(), 1, "{way:?}");
    }
}

fn refusal(way: Way) -> End {
    match way {
        Way::Polling | Way::SocketIo => End::Refused(json!({ "message": "Invalid ticket" })),
        Way::WebSocket => End::Code(4401),
        Way::Sse | Way::LongPoll | Way::ShortPoll => End::Status(401),
    }
}

#[tokio::test]
async fn s7_a_ticket_expires_and_ends_with_its_token() {
    let mut config = config();
    config.ticket.expires_in = Duration::ZERO;
    let world = World::start(config, |_| {}).await;
    for way in TICKETS {
        let ticket = world.ticket(&world.login("bob").await).await;
        assert_eq!(Client::try_listen(&world, way, Claim::ticket(&ticket)).await.err(), Some(refusal(way)), "{way:?}");
    }
    let world = self::world().await;
    for way in Way::HTTP {
        let ticket = world.ticket(&world.login("bob").await).await;
        world.auth.revoke(BOB).await.unwrap();
        let refused = Client::try_listen(&world, way, Claim::ticket(&ticket)).await.err();
        assert_eq!(refused, Some(End::Status(401)), "{way:?}");
    }
}

#[tokio::test]
async fn s7_only_so_many_tickets_are_good() {
    let mut config = config();
    config.ticket.most = 2;
    let world = World::start(config, |_| {}).await;
    let token = world.login("bob").await;
    let tickets = [world.ticket(&token).await, world.ticket(&token).await, world.ticket(&token).await];
    let mut outcomes = Vec::new();
    for ticket in &tickets {
        outcomes.push(Client::try_listen(&world, Way::ShortPoll, Claim::ticket(ticket)).await.is_ok());
    }
    assert_eq!(outcomes, [false, true, true]);
}

#[tokio::test]
async fn s7_a_ticket_is_no_login() {
    let world = world().await;
    let token = world.login("bob").await;
    let ticket = world.ticket(&token).await;
    let message = "Invalid authentication information (strategy not allowed in authStrategies)";
    let login = json!({ "strategy": "ticket", "ticket": ticket });
    assert_eq!(world.try_login(&login).await.json()["message"], message);
    for way in Way::SOCKETS {
        let mut client = Client::listen(&world, way, Claim::default()).await;
        assert_eq!(client.login(&login).await.unwrap_err()["message"], message, "{way:?}");
    }
    assert_eq!(world.try_login(&jwt(&ticket)).await.json()["message"], "jwt malformed");
    assert_eq!(world.status_of(&ticket).await, 401);
    for path in [format!("/secrets?ticket={ticket}"), format!("/users/2?ticket={ticket}")] {
        assert!(world.ask("GET", &path, &[], "").await.status >= 400, "{path}");
    }
    // None of this has used it up.
    assert!(Client::try_listen(&world, Way::Sse, Claim::ticket(&ticket)).await.is_ok());
    // And there is none without a login, or for one that is bad.
    assert_eq!(world.ask("POST", "/authentication/ticket", &[], "{}").await.status, 401);
    assert_eq!(world.ask_as("nonsense", "POST", "/authentication/ticket", "{}").await.status, 401);
    assert_eq!(world.ask("GET", "/authentication/ticket", &[], "").await.status, 405);
}
