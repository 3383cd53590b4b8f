//! What ends a login ends its connections, on every transport: no event that is published after it arrives.

use std::time::{Duration, Instant};

use feathers::prelude::*;

use crate::client::{Claim, Client, End, Way};
use crate::support::{ADA, BOB, PATIENCE, World, config, jwt, world};

/// How long a client may take to notice its end.
const SOON: Duration = Duration::from_secs(1);

/// Returns how a connection ends whose credentials are no longer valid.
pub(crate) fn denied(way: Way) -> End {
    match way {
        Way::Polling | Way::SocketIo => End::Disconnect,
        Way::WebSocket => End::Code(4401),
        Way::Sse => End::Ended,
        Way::LongPoll | Way::ShortPoll => End::Status(401),
    }
}

/// Connects with a token and reads one event, so that everything is there.
pub(crate) async fn listening(world: &World, way: Way, token: &str) -> Client {
    let mut client = Client::listen(world, way, Claim::token(token)).await;
    world.tick("members", 1);
    assert_eq!(client.events(1).await, [1], "{way:?}");
    client
}

/// Reads to the end, which must come at once and after nothing else.
async fn assert_ends(client: &mut Client, since: Instant, end: &End) {
    let (events, seen) = client.closed().await;
    let way = client.way;
    assert_eq!((events, &seen), (vec![], end), "{way:?}");
    assert!(since.elapsed() < SOON, "{way:?} took {:?}", since.elapsed());
}

/// Ends the logins of bob in some way; the connections of other users stay open.
async fn assert_ended_by(change: impl AsyncFn(&World, &str)) {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        let mut eve = Client::listen(&world, way, Claim::token(&world.login("eve").await)).await;
        change(&world, &token).await;
        let since = Instant::now();
        world.tick("members", 2);
        assert_ends(&mut bob, since, &denied(way)).await;
        assert_eq!(eve.events(1).await, [2], "{way:?}");
        assert_eq!(world.auth.connections(BOB), [], "{way:?}");
        assert_eq!(world.status_of(&token).await, 401, "{way:?}");
    }
}

#[tokio::test]
async fn s4_a_revocation_ends_every_connection() {
    assert_ended_by(async |world, _| world.auth.revoke(BOB).await.unwrap()).await;
}

#[tokio::test]
async fn s5_a_removed_user_is_out_at_once() {
    assert_ended_by(async |world, _| {
        world.handle().service("users").unwrap().remove(Id::from(BOB), ()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s5_a_new_password_ends_every_login() {
    assert_ended_by(async |world, _| world.patch(BOB, json!({ "password": "battery staple" })).await).await;
}

#[tokio::test]
async fn s5_a_new_password_from_outside_ends_every_login() {
    assert_ended_by(async |world, token| {
        let answer = world.ask_as(token, "PATCH", "/users/2?$select[]=email", r#"{"password":"battery staple"}"#).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn s4_a_connection_ends_when_its_token_expires() {
    let mut config = config();
    config.jwt.expires_in = Duration::from_secs(2);
    let world = World::start(config, |_| {}).await;
    let answer = world.try_login(&crate::support::local("bob")).await.json();
    let token = answer["accessToken"].as_str().unwrap().to_owned();
    let expires = answer["authentication"]["payload"]["exp"].as_u64().unwrap();
    let mut clients = Vec::new();
    for way in Way::ALL {
        clients.push(Client::listen(&world, way, Claim::token(&token)).await);
    }
    assert_eq!(world.auth.connections(BOB).len(), Way::ALL.len());
    let ends = clients.into_iter().map(|mut client| async move {
        let (events, end) = client.closed().await;
        assert_eq!((events, end), (vec![], denied(client.way)), "{:?}", client.way);
    });
    futures_util::future::join_all(ends).await;
    let now = crate::tokens::now();
    assert!((expires - 1..=expires + 1).contains(&now), "{now} is not {expires}");
    assert_eq!(world.auth.connections(BOB), []);
    let answer = world.ask_as(&token, "GET", "/secrets", "").await;
    assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some("jwt expired")));
}

/// Bans bob; his clients reconnect at once, and cannot log in as him.
async fn assert_banned_by(change: impl AsyncFn(&World)) {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        change(&world).await;
        let since = Instant::now();
        let (events, _) = bob.closed().await;
        assert_eq!(events, [] as [u64; 0], "{way:?}");
        assert!(since.elapsed() < SOON, "{way:?} took {:?}", since.elapsed());
        assert_eq!(world.auth.connections(BOB), [], "{way:?}");
        assert_eq!(world.status_of(&token).await, 403, "{way:?}");
        assert!(Client::try_listen(&world, way, Claim::token(&token)).await.is_err(), "{way:?}");
    }
}

#[tokio::test]
async fn s5_a_ban_ends_every_connection() {
    assert_banned_by(async |world| world.patch(BOB, json!({ "banned": true })).await).await;
}

#[tokio::test]
async fn s5_a_ban_through_a_hidden_field_ends_every_connection() {
    // The event and the answer hide the field that has changed.
    assert_banned_by(async |world| {
        let answer = world.ask("PATCH", "/users/2", &[], r#"{"locked":true}"#).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn s5_a_ban_whose_answer_is_only_an_id_ends_every_connection() {
    assert_banned_by(async |world| {
        let answer = world.ask("PATCH", "/users/2?$select[]=id", &[], r#"{"banned":true}"#).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn s5_a_user_who_may_not_log_in_any_more_is_out_whatever_field_says_so() {
    for way in Way::ALL {
        let mut config = config();
        config.permission_fields.clear();
        let world = World::start(config, |_| {}).await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        let [connection] = world.auth.connections(BOB).try_into().unwrap();
        world.patch(BOB, json!({ "banned": true })).await;
        let since = Instant::now();
        tokio::time::timeout(PATIENCE, connection.closed()).await.expect("the connection lives on");
        world.tick("members", 2);
        // A poll with the token gets the reason why bob may not log in.
        let banned = if matches!(way, Way::LongPoll | Way::ShortPoll) { End::Status(403) } else { denied(way) };
        assert_ends(&mut bob, since, &banned).await;
    }
}

/// Waits until the connection ends so that the client reconnects, and reconnects from its last cursor.
///
/// Polls go on by themselves.
pub(crate) async fn come_back(world: &World, mut client: Client, token: &str) -> Client {
    let (way, end) = (
        client.way,
        match client.way {
            Way::Polling => End::Status(400),
            Way::SocketIo => End::Code(1012),
            Way::WebSocket => End::Code(4201),
            Way::Sse => End::Ended,
            Way::LongPoll | Way::ShortPoll => return client,
        },
    );
    let since = Instant::now();
    assert_ends(&mut client, since, &end).await;
    let claim = Claim { pid: client.pid.clone(), ..Claim::default() }.since(&client.cursor);
    // Socket.IO is recognised by its `pid` alone.
    let claim = if client.pid.is_some() { claim } else { Claim { auth: Some(jwt(token)), ..claim } };
    Client::listen(world, way, claim).await
}

#[tokio::test]
async fn s5_a_role_that_is_gained_counts_at_once() {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("bob").await;
        let bob = listening(&world, way, &token).await;
        world.patch(BOB, json!({ "role": "admin" })).await;
        let mut bob = come_back(&world, bob, &token).await;
        world.tick("admin", 3);
        assert_eq!(bob.events(1).await, [3], "{way:?}");
    }
}

/// Takes the role from ada: the role's channel falls silent, and all other missed events arrive.
async fn assert_role_lost_by(change: impl AsyncFn(&World)) {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("ada").await;
        let mut ada = listening(&world, way, &token).await;
        world.tick("admin", 2);
        assert_eq!(ada.events(1).await, [2], "{way:?}");
        let [before] = world.auth.connections(ADA).try_into().unwrap();
        change(&world).await;
        tokio::time::timeout(PATIENCE, before.closed()).await.expect("the connection lives on");
        world.tick("admin", 3);
        world.tick("members", 4);
        let mut ada = come_back(&world, ada, &token).await;
        world.tick("admin", 6);
        world.tick("members", 7);
        assert_eq!(ada.events(2).await, [4, 7], "{way:?}");
        let [now] = world.auth.connections(ADA).try_into().unwrap();
        assert_ne!(now.user().unwrap().value().unwrap()["role"], "admin");
    }
}

#[tokio::test]
async fn s5_a_role_that_is_lost_counts_at_once() {
    assert_role_lost_by(async |world| world.patch(ADA, json!({ "role": "guest" })).await).await;
}

#[tokio::test]
async fn s5_a_role_that_is_taken_away_counts_at_once() {
    // The record has no such field any more.
    assert_role_lost_by(async |world| world.patch(ADA, json!({ "role": null })).await).await;
}
