//! Secrets of sessions: another user's are refused, none can be guessed, and a ticket works once.

use std::collections::HashSet;
use std::time::Duration;

use feathers::prelude::*;
use feathers_auth::ApiKey;
use serde_json::Value;

use crate::client::{Claim, Client, End, Way};
use crate::support::{ADA, BOB, World, config, jwt, local, world};

const OTHERS: &str = "this session belongs to another user";

#[tokio::test]
async fn s7_the_session_of_another_user_is_a_403() {
    for way in [Way::LongPoll, Way::ShortPoll, Way::Sse, Way::WebSocket] {
        let world = world().await;
        let (bob, eve) = (world.login("bob").await, world.login("eve").await);
        let mut client = Client::listen(&world, way, Claim::token(&bob)).await;
        let conn = client.conn.clone().unwrap();
        let eve_header = format!("Bearer {eve}");
        let as_eve = [("authorization", eve_header.as_str()), ("x-connection-token", &conn)];
        let expired = crate::tokens::with_secret(
            crate::tokens::HEADER,
            &crate::tokens::claims(&json!({ "exp": 1 })),
            crate::support::SECRET,
        );
        let as_expired = [("authorization", expired.as_str()), ("x-connection-token", &conn)];
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
        // The secret alone does not log in.
        let (bare, own) = (("x-connection-token", &*conn), format!("Bearer {bob}"));
        for (method, path, body) in [
            ("GET", "/secrets", ""),
            ("GET", "/notes", ""),
            ("POST", "/notes", "{}"),
            ("POST", "/authentication", login.as_str()),
            ("DELETE", "/authentication", ""),
            ("GET", "/realtime?wait=0", ""),
            ("DELETE", "/realtime", ""),
        ] {
            let answer = world.ask(method, path, &[bare], body).await;
            let message = "Not authenticated";
            assert_eq!(
                (answer.status, answer.json()["message"].as_str()),
                (401, Some(message)),
                "{way:?} {method} {path}"
            );
        }
        assert_eq!(world.ask("GET", "/notes", &[bare, ("authorization", &own)], "").await.status, 200, "{way:?}");
        // Not even an answer that says that nothing has happened.
        let cursor = world.handle().log().head().to_string();
        let path = format!("/realtime?wait=0&since={cursor}");
        let tag = format!("\"{cursor}\"");
        let answer = world
            .ask(
                "GET",
                &path,
                &[("authorization", &eve_header), ("if-none-match", &tag), ("x-connection-token", &conn)],
                "",
            )
            .await;
        assert_eq!(answer.status, 403, "{way:?}");
        assert_eq!(world.auth.connections(BOB).len(), 1, "{way:?}");
        world.tick("members", 1);
        assert_eq!(client.events(1).await, [1], "{way:?}");
    }
}

#[tokio::test]
async fn s7_a_poll_with_the_secret_of_another_user_is_a_403_when_that_one_is_gone() {
    let world = world().await;
    let (bob, eve) = (world.login("bob").await, world.login("eve").await);
    let client = Client::listen(&world, Way::LongPoll, Claim::token(&bob)).await;
    world.auth.reconnect(BOB);
    world.until_empty().await;
    let claim = Claim { conn: client.conn.clone(), ..Claim::token(&eve) };
    let refused = Client::try_listen(&world, Way::LongPoll, claim).await.err();
    assert_eq!(refused, Some(End::Status(403)));
}

#[tokio::test]
async fn s7_a_new_token_of_the_same_user_is_no_other_user() {
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
    app.service("notes", Memory::<Document>::new()).events(["ticked"]).publish(|_, app| app.channel("programs"));
    app.on_login(|login, app| app.channel("programs").join(login.connection().unwrap()));
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
async fn s7_the_secret_of_a_session_that_is_not_logged_in_is_enough() {
    for way in [Way::LongPoll, Way::ShortPoll, Way::Sse, Way::WebSocket] {
        let world = world().await;
        let mut client = Client::listen(&world, way, Claim::default()).await;
        let conn = client.conn.clone().unwrap();
        assert_eq!(world.ask("GET", "/notes", &[("x-connection-token", &conn)], "").await.status, 200, "{way:?}");
        // In a URL the secret is refused.
        for word in ["conn", "connectionToken"] {
            let answer = world.ask("GET", &format!("/realtime?wait=0&{word}={conn}"), &[], "").await;
            assert_eq!(answer.status, 400, "{way:?} {word}");
            assert!(answer.text.contains("X-Connection-Token"), "{answer:?}");
            // In the query of a service it is a field.
            let answer = world.ask("GET", &format!("/notes?{word}=1"), &[], "").await;
            assert_eq!((answer.status, &*answer.text), (200, "[]"), "{way:?} {word}");
        }
        world.tick("lobby", 1);
        assert_eq!(client.events(1).await, [1], "{way:?}");
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

/// Returns the name and the value of a cookie, and its attributes.
fn cookie(client: &Client) -> (String, String) {
    let [cookie] = &client.cookies[..] else { panic!("{:?}", client.cookies) };
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    (pair.to_owned(), attributes.to_owned())
}

/// Comes back with a used ticket, and perhaps a cookie.
async fn again(world: &World, way: Way, ticket: &str, cookie: &str) -> Result<Client, End> {
    let claim = Claim { headers: vec![("cookie", cookie.to_owned())], ..Claim::ticket(ticket) };
    Client::try_listen(world, way, claim).await
}

#[tokio::test]
async fn s7_a_stream_comes_back_with_the_cookie_beside_its_ticket() {
    for way in Way::HTTP {
        let world = world().await;
        let ticket = world.ticket(&world.login("bob").await).await;
        let bob = Client::listen(&world, way, Claim::ticket(&ticket)).await;
        let (pair, attributes) = cookie(&bob);
        assert!(pair.starts_with("feathers-ticket-") && !pair.contains(&ticket), "{pair}");
        let age = if way == Way::Sse { 1_740..=1_920 } else { 210..=210 };
        let seconds = attributes.strip_prefix("Path=/realtime; Max-Age=").unwrap();
        let (seconds, attributes) = seconds.split_once("; ").unwrap();
        assert!(age.contains(&seconds.parse().unwrap()), "{way:?} {seconds}");
        assert_eq!(attributes, "HttpOnly; SameSite=Strict", "{way:?}");
        drop(bob);
        // As often as the client likes, and as the same user.
        for n in 1..3 {
            let mut bob = again(&world, way, &ticket, &pair).await.unwrap();
            assert_eq!(cookie(&bob).0, pair, "{way:?}");
            world.tick("members", n);
            assert_eq!(bob.events(1).await, [n], "{way:?}");
        }
        // None of these is enough: the URL, the cookie, or the cookie with another ticket or another secret.
        let other = world.ticket(&world.login("bob").await).await;
        drop(Client::listen(&world, way, Claim::ticket(&other)).await);
        let (name, secret) = pair.split_once('=').unwrap();
        let forged = format!("{name}={}x", &secret[1..]);
        for (ticket, cookie) in [(&*ticket, ""), (&*ticket, &*forged), (&*other, &*pair), ("", &*pair)] {
            let refused = again(&world, way, ticket, cookie).await.err();
            assert_eq!(refused, Some(End::Status(401)), "{way:?} {ticket} {cookie}");
        }
        assert_eq!(world.ask("GET", "/secrets", &[("cookie", &pair)], "").await.status, 401, "{way:?}");
        let path = format!("/secrets?ticket={ticket}");
        assert_eq!(world.ask("GET", &path, &[("cookie", &pair)], "").await.status, 401, "{way:?}");
        // It ends with the login.
        world.auth.revoke(BOB).await.unwrap();
        assert_eq!(again(&world, way, &ticket, &pair).await.err(), Some(End::Status(401)), "{way:?}");
    }
}

#[tokio::test]
async fn s7_a_socket_comes_back_with_a_secret_beside_its_ticket() {
    for way in Way::SOCKETS {
        let world = world().await;
        let ticket = world.ticket(&world.login("bob").await).await;
        let first = Client::listen(&world, way, Claim::ticket(&ticket)).await;
        let (pid, secret) = (first.pid.clone(), first.ticket_secret.clone());
        assert_eq!((pid.is_some(), secret.is_some()), (way != Way::WebSocket, way == Way::WebSocket));
        drop(first);
        let claim = |pid: Option<&str>, secret: Option<&str>| {
            let mut claim = Claim { pid: pid.map(str::to_owned), ..Claim::ticket(&ticket) };
            if let (Some(auth), Some(secret)) = (&mut claim.auth, secret) {
                auth["ticketSecret"] = json!(secret);
            }
            claim
        };
        for n in 1..3 {
            let mut bob = Client::listen(&world, way, claim(pid.as_deref(), secret.as_deref())).await;
            world.tick("members", n);
            // Socket.IO continues from where the session began, the other from now on.
            let from = if way == Way::WebSocket { n } else { 1 };
            let expected: Vec<u64> = (from..=n).collect();
            assert_eq!(bob.events(expected.len()).await, expected, "{way:?}");
        }
        // Neither the ticket alone nor that of another session is enough.
        let eve = Client::listen(&world, way, Claim::token(&world.login("eve").await)).await;
        let other = world.ticket(&world.login("eve").await).await;
        let by_ticket = Client::listen(&world, way, Claim::ticket(&other)).await;
        for (pid, secret) in [
            (None, None),
            (eve.pid.as_deref(), None),
            (by_ticket.pid.as_deref(), by_ticket.ticket_secret.as_deref()),
            (Some("nonsense"), Some("nonsense")),
        ] {
            let refused = Client::try_listen(&world, way, claim(pid, secret)).await.err();
            assert_eq!(refused, Some(refusal(way)), "{way:?} {pid:?} {secret:?}");
        }
    }
}

#[tokio::test]
async fn s7_who_logs_out_or_stays_away_does_not_come_back_by_a_ticket() {
    let world = world().await;
    let token = world.login("bob").await;
    let ticket = world.ticket(&token).await;
    let mut bob = Client::listen(&world, Way::Sse, Claim::ticket(&ticket)).await;
    let (pair, _) = cookie(&bob);
    bob.show(&token);
    bob.logout().await.unwrap();
    drop(bob);
    assert_eq!(again(&world, Way::Sse, &ticket, &pair).await.err(), Some(End::Status(401)));

    let mut config = config();
    config.ticket.resume = Duration::ZERO;
    let world = World::start(config, |_| {}).await;
    let ticket = world.ticket(&world.login("bob").await).await;
    let bob = Client::listen(&world, Way::Sse, Claim::ticket(&ticket)).await;
    let (pair, _) = cookie(&bob);
    // While the old connection is still open, as before the server notices a cut.
    let second = again(&world, Way::Sse, &ticket, &pair).await.unwrap();
    drop((bob, second));
    world.until_empty().await;
    assert_eq!(again(&world, Way::Sse, &ticket, &pair).await.err(), Some(End::Status(401)));
}

#[tokio::test]
async fn s7_who_comes_back_with_a_token_beside_a_used_ticket_is_the_user_of_the_token() {
    let world = world().await;
    let (ada, eve) = (world.login("ada").await, world.login("eve").await);
    let ticket = world.ticket(&ada).await;
    let first = Client::listen(&world, Way::Sse, Claim::ticket(&ticket)).await;
    let (pair, _) = cookie(&first);
    drop(first);
    let mut claim = Claim::ticket(&ticket);
    claim.headers = vec![("cookie", pair), ("authorization", format!("Bearer {eve}"))];
    let mut client = Client::listen(&world, Way::Sse, claim).await;
    world.tick("admin", 1);
    world.tick("members", 2);
    assert_eq!(client.events(1).await, [2]);
}

#[tokio::test]
async fn s7_the_cookie_of_a_ticket_suits_the_page_that_asks() {
    let world = world().await;
    for (headers, expected) in [
        (vec![("origin", "https://page.example".to_owned())], "SameSite=None; Secure"),
        (vec![("origin", world.server.url())], "SameSite=Strict"),
        (vec![("sec-fetch-site", "same-origin".to_owned())], "SameSite=Strict; Secure"),
    ] {
        let ticket = world.ticket(&world.login("bob").await).await;
        let claim = Claim { headers: headers.clone(), ..Claim::ticket(&ticket) };
        let client = Client::listen(&world, Way::Sse, claim).await;
        assert!(cookie(&client).1.ends_with(&format!("; HttpOnly; {expected}")), "{headers:?}: {:?}", client.cookies);
    }
    // The cookie of an earlier ticket is removed.
    let ticket = world.ticket(&world.login("bob").await).await;
    let claim = Claim { headers: vec![("cookie", "a=b; feathers-ticket-x=y".to_owned())], ..Claim::ticket(&ticket) };
    let client = Client::listen(&world, Way::Sse, claim).await;
    let [_, old] = &client.cookies[..] else { panic!("{:?}", client.cookies) };
    assert!(old.starts_with("feathers-ticket-x=; Path=/realtime; Max-Age=0;"), "{old}");
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
    // None of this has used the ticket up.
    assert!(Client::try_listen(&world, Way::Sse, Claim::ticket(&ticket)).await.is_ok());
    // Without a valid login there is no ticket.
    assert_eq!(world.ask("POST", "/authentication/ticket", &[], "{}").await.status, 401);
    assert_eq!(world.ask_as("nonsense", "POST", "/authentication/ticket", "{}").await.status, 401);
    assert_eq!(world.ask("GET", "/authentication/ticket", &[], "").await.status, 405);
}
