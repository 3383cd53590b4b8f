//! Clients that come back get the missed events that their user may still see, and nothing else.

use std::time::{Duration, Instant};

use feathers::prelude::*;
use serde_json::Value;

use crate::client::{Claim, Client, End, Seen, Way};
use crate::endings::listening;
use crate::support::{ADA, World, jwt, world};

/// Identifies a returning client and its position: Socket.IO by its `pid`, the others with the token.
fn back(client: &Client, token: &str) -> Claim {
    let claim = Claim { pid: client.pid.clone(), ..Claim::default() }.since(&client.cursor);
    if client.pid.is_some() { claim } else { Claim { auth: Some(jwt(token)), ..claim } }
}

#[tokio::test]
async fn s6_a_replay_holds_what_is_allowed_now() {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("ada").await;
        let client = listening(&world, way, &token).await;
        let claim = back(&client, &token);
        drop(client);
        world.tick("admin", 2);
        world.tick("members", 3);
        world.tick("guest", 4);
        world.patch(ADA, json!({ "role": "guest" })).await;
        world.tick("admin", 5);
        let mut client = Client::listen(&world, way, claim).await;
        world.tick("members", 6);
        world.tick("guest", 7);
        // The role of a guest is new, so earlier events of guests are not for ada.
        assert_eq!(client.events(3).await, [3, 6, 7], "{way:?}");
    }
}

#[tokio::test]
async fn s6_a_user_who_is_banned_while_away_gets_nothing() {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("ada").await;
        let client = listening(&world, way, &token).await;
        let claim = back(&client, &token);
        let known = claim.pid.is_some();
        drop(client);
        world.tick("members", 2);
        world.patch(ADA, json!({ "banned": true })).await;
        match Client::try_listen(&world, way, claim).await {
            Err(End::Status(403) | End::Code(4403)) => assert!(!known, "{way:?}"),
            Err(end) => panic!("{way:?}: {end:?}"),
            Ok(mut client) => {
                // Over Socket.IO the client connects anonymously, and may log in.
                assert!(known, "{way:?}");
                world.tick("lobby", 3);
                assert_eq!(client.events(1).await, [3], "{way:?}");
                assert_eq!(client.call("find", "secrets", json!({})).await.unwrap_err()["code"], 401, "{way:?}");
            }
        }
        assert_eq!(world.auth.connections(ADA), [], "{way:?}");
    }
}

#[tokio::test]
async fn s6_a_channel_that_was_left_is_not_replayed() {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("ada").await;
        let mut client = listening(&world, way, &token).await;
        let [connection] = world.auth.connections(ADA).try_into().unwrap();
        // Published while ada was in the channel, and not read yet.
        world.tick("admin", 2);
        world.handle().channel("admin").leave(&connection);
        world.tick("admin", 3);
        world.tick("members", 4);
        let (mut seen, mut last) = (Vec::new(), 0);
        while last != 4 {
            last = client.events(1).await[0];
            seen.push(last);
        }
        assert!(!seen.contains(&3), "{way:?}: {seen:?}");
    }
}

/// A client of ada that comes back without credentials.
async fn unknown(world: &World, way: Way) -> Client {
    let token = world.login("ada").await;
    drop(listening(world, way, &token).await);
    let cursor = world.handle().log().head().to_string();
    world.tick("members", 1);
    world.tick("lobby", 2);
    Client::listen(world, way, Claim::default().since(&cursor)).await
}

#[tokio::test]
async fn s7_a_replay_waits_for_the_login() {
    for way in [Way::Polling, Way::SocketIo, Way::WebSocket, Way::Sse] {
        let world = world().await;
        let token = world.login("ada").await;
        let mut client = unknown(&world, way).await;
        client.login(&jwt(&token)).await.unwrap();
        assert_eq!(client.events(2).await, [1, 2], "{way:?}");
    }
}

#[tokio::test]
async fn s7_a_replay_waits_a_second_and_a_later_login_is_told() {
    for way in [Way::Polling, Way::SocketIo, Way::WebSocket, Way::Sse] {
        let world = world().await;
        let token = world.login("ada").await;
        let since = Instant::now();
        let mut client = unknown(&world, way).await;
        assert_eq!(client.events(1).await, [2], "{way:?}");
        let waited = since.elapsed();
        assert!(waited > Duration::from_millis(900) && waited < Duration::from_secs(3), "{way:?}: {waited:?}");
        client.login(&jwt(&token)).await.unwrap();
        loop {
            match client.next().await {
                Seen::Notice(name, data) if name == "reset" => {
                    assert_eq!(data["reason"], "principal", "{way:?}");
                    break;
                }
                Seen::Notice(..) => {}
                other => panic!("{way:?}: {other:?}"),
            }
        }
        world.tick("members", 3);
        assert_eq!(client.events(1).await, [3], "{way:?}");
    }
}

#[tokio::test]
async fn s7_another_call_than_a_login_ends_the_waiting() {
    for way in Way::SOCKETS {
        let world = world().await;
        let since = Instant::now();
        let mut client = unknown(&world, way).await;
        client.call("find", "secrets", json!({})).await.unwrap_err();
        assert_eq!(client.events(1).await, [2], "{way:?}");
        assert!(since.elapsed() < Duration::from_millis(900), "{way:?}: {:?}", since.elapsed());
    }
}

/// Reads until an event comes, and returns the reason of a reset before it, if there was one.
async fn first_event(client: &mut Client) -> (Option<Value>, u64) {
    let mut reset = None;
    loop {
        match client.next().await {
            Seen::Notice(name, data) if name == "reset" => reset = Some(data["reason"].clone()),
            Seen::Notice(..) => {}
            Seen::Event(_, data, _) => return (reset, data["n"].as_u64().unwrap()),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_new_account_reads_nothing_of_what_members_had_before() {
    for way in Way::ALL {
        let world = world().await;
        let ada = world.login("ada").await;
        let _ada = listening(&world, way, &ada).await;
        world.tick("members", 1);
        world.tick("admin", 2);
        let bob = world.login("bob").await;
        let claim = Claim { auth: Some(jwt(&bob)), ..Claim::default() };
        let mut client = Client::listen(&world, way, claim.since("earliest")).await;
        world.tick("members", 3);
        assert_eq!(first_event(&mut client).await, (None, 3), "{way:?}");
    }
}

#[tokio::test]
async fn what_came_between_a_revocation_and_the_next_login_is_a_reset() {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("ada").await;
        let client = listening(&world, way, &token).await;
        let cursor = client.cursor.clone();
        // Away, so that no connection is ended by it.
        drop(client);
        world.tick("members", 1);
        world.auth.revoke(ADA).await.unwrap();
        world.tick("members", 2);
        let token = world.login("ada").await;
        let claim = Claim { auth: Some(jwt(&token)), ..Claim::default() };
        let mut client = Client::listen(&world, way, claim.since(&cursor)).await;
        world.tick("members", 3);
        assert_eq!(first_event(&mut client).await, (Some("principal".into()), 3), "{way:?}");
    }
}
