//! Logouts and revocations: which connections end with them, and which stay open.

use feathers::call::Provider;
use feathers::event::Delivery;
use feathers::prelude::*;
use feathers::session::{DisconnectReason, Handshake};

use crate::client::{Claim, Client, End, Way};
use crate::endings::{denied, listening};
use crate::support::{BOB, World, config, jwt, world};

#[tokio::test]
async fn s5_a_logout_leaves_all_channels_and_the_connection_goes_on() {
    for way in Way::ALL {
        let world = world().await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        let answer = bob.logout().await.unwrap();
        assert_eq!(answer["accessToken"], token, "{way:?}");
        world.tick("members", 2);
        world.tick("lobby", 3);
        assert_eq!(bob.events(1).await, [3], "{way:?}");
        assert_eq!(world.auth.connections(BOB), [], "{way:?}");
        // Without a revocation the token stays valid.
        assert_eq!(world.status_of(&token).await, 200, "{way:?}");
        if Way::SOCKETS.contains(&way) {
            let error = bob.call("find", "secrets", json!({})).await.unwrap_err();
            assert_eq!((error["code"].as_u64(), error["message"].as_str()), (Some(401), Some("Not authenticated")));
            bob.login(&jwt(&token)).await.unwrap();
            world.tick("members", 4);
            assert_eq!(bob.events(1).await, [4], "{way:?}");
        }
    }
}

#[tokio::test]
async fn s5_a_logout_that_revokes_ends_all_who_use_the_token() {
    for own in Way::ALL {
        let mut config = config();
        config.revoke_on_logout = true;
        let world = World::start(config, |_| {}).await;
        let (token, other) = (world.login("bob").await, world.login("bob").await);
        let mut bob = listening(&world, own, &token).await;
        let mut clients = Vec::new();
        for way in Way::ALL {
            clients.push(Client::listen(&world, way, Claim::token(&token)).await);
        }
        let mut elsewhere = Client::listen(&world, own, Claim::token(&other)).await;
        bob.logout().await.unwrap();
        world.tick("members", 2);
        world.tick("lobby", 3);
        for client in &mut clients {
            assert_eq!(client.closed().await, (vec![], denied(client.way)), "{own:?}: {:?}", client.way);
        }
        assert_eq!(bob.events(1).await, [3], "{own:?}");
        assert_eq!(elsewhere.events(2).await, [2, 3], "{own:?}");
        assert_eq!((world.status_of(&token).await, world.status_of(&other).await), (401, 200), "{own:?}");
        let answer = world.try_login(&jwt(&token)).await;
        assert_eq!(answer.json()["message"], "jwt revoked", "{own:?}");
        assert_eq!(answer.json()["data"], json!({ "name": "TokenRevokedError" }), "{own:?}");
    }
}

#[tokio::test]
async fn s5_a_logout_over_rest_that_revokes_ends_connections() {
    let mut config = config();
    config.revoke_on_logout = true;
    let world = World::start(config, |_| {}).await;
    let token = world.login("bob").await;
    let mut clients = Vec::new();
    for way in Way::ALL {
        clients.push(Client::listen(&world, way, Claim::token(&token)).await);
    }
    let path = format!("/authentication/{token}");
    let answer = world.ask_as(&token, "DELETE", &path, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    world.tick("members", 2);
    for client in &mut clients {
        assert_eq!(client.closed().await, (vec![], denied(client.way)), "{:?}", client.way);
    }
}

#[tokio::test]
async fn s5_another_user_cannot_log_a_token_out() {
    let mut config = config();
    config.revoke_on_logout = true;
    let world = World::start(config, |_| {}).await;
    let (bob, eve) = (world.login("bob").await, world.login("eve").await);
    let path = format!("/authentication/{bob}");
    for (headers, expected) in [
        (vec![("authorization", eve.as_str())], "Invalid access token"),
        (vec![], "Invalid access token"),
        (vec![("authorization", "nonsense")], "Invalid access token"),
    ] {
        let answer = world.ask("DELETE", &path, &headers, "").await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some(expected)));
    }
    for way in Way::SOCKETS {
        let mut client = Client::listen(&world, way, Claim::token(&eve)).await;
        let error = client.call("remove", "authentication", json!({ "id": bob })).await.unwrap_err();
        assert_eq!(error["message"], "Invalid access token", "{way:?}");
    }
    assert_eq!((world.status_of(&bob).await, world.status_of(&eve).await), (200, 200));
}

#[tokio::test]
async fn s4_polls_without_a_token_learn_of_their_end() {
    for way in [Way::LongPoll, Way::ShortPoll] {
        let world = world().await;
        let token = world.login("bob").await;
        let ticket = world.ticket(&token).await;
        let mut bob = Client::listen(&world, way, Claim::ticket(&ticket)).await;
        world.tick("members", 1);
        assert_eq!(bob.events(1).await, [1], "{way:?}");
        // Between two polls.
        world.auth.revoke(BOB).await.unwrap();
        world.tick("members", 2);
        world.tick("lobby", 3);
        assert_eq!(bob.closed().await, (vec![], End::Status(401)), "{way:?}");
        // The same long after, when the server has forgotten the session.
        world.until_empty().await;
        assert_eq!(bob.closed().await, (vec![], End::Status(401)), "{way:?}");
        // A valid token is accepted, whatever session the client polled before.
        let token = world.login("bob").await;
        let claim = Claim { conn: bob.conn.clone(), ..Claim::token(&token) };
        let mut bob = Client::listen(&world, way, claim).await;
        world.tick("members", 4);
        assert_eq!(bob.events(1).await, [4], "{way:?}");
    }
}

#[tokio::test]
async fn s5_polls_without_a_token_go_on_with_their_new_rights() {
    for swept in [false, true] {
        for way in [Way::LongPoll, Way::ShortPoll] {
            let world = world().await;
            let ticket = world.ticket(&world.login("bob").await).await;
            let mut bob = Client::listen(&world, way, Claim::ticket(&ticket)).await;
            world.patch(BOB, json!({ "role": "admin" })).await;
            if swept {
                world.until_empty().await;
            }
            world.tick("admin", 2);
            assert_eq!(bob.events(1).await, [2], "{way:?}");
            assert_eq!(world.auth.connections(BOB).len(), 1, "{way:?}");
        }
    }
}

#[tokio::test]
async fn s4_every_token_before_a_revocation_is_bad_and_every_later_one_good() {
    let world = world().await;
    let mut tokens = Vec::new();
    // All of it within one second or two, the unit of a token's time.
    for round in 0..5 {
        tokens.push(world.login("bob").await);
        assert_eq!(world.status_of(&tokens[round]).await, 200, "{round}");
        world.auth.revoke(BOB).await.unwrap();
        for (number, token) in tokens.iter().enumerate() {
            assert_eq!(world.status_of(token).await, 401, "the token {number} after the revocation {round}");
        }
    }
    world.auth.revoke(BOB).await.unwrap();
    world.auth.revoke(BOB).await.unwrap();
    assert_eq!(world.status_of(&world.login("bob").await).await, 200);
    assert_eq!(world.status_of(&world.login("eve").await).await, 200);
}

#[tokio::test]
async fn s4_a_reader_that_is_busy_gets_nothing_after_the_end() {
    let world = world().await;
    let credentials = feathers::session::Credentials::of("jwt", "accessToken", world.login("bob").await);
    let handshake =
        Handshake::new(Provider::new("test")).credentials(feathers::session::HandshakeCredentials::Sent(credentials));
    let session = world.handle().open(handshake).await.unwrap();
    let mut events = session.subscribe();
    world.tick("members", 1);
    world.tick("members", 2);
    assert!(matches!(events.try_next(), Some(Delivery::Event(_))));
    world.auth.revoke(BOB).await.unwrap();
    world.tick("members", 3);
    assert!(events.try_next().is_none());
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn s4_calls_that_come_after_the_end_are_nobodys() {
    let world = world().await;
    let credentials = feathers::session::Credentials::of("jwt", "accessToken", world.login("bob").await);
    let handshake =
        Handshake::new(Provider::new("test")).credentials(feathers::session::HandshakeCredentials::Sent(credentials));
    let session = world.handle().open(handshake).await.unwrap();
    assert_eq!(session.params().require_user().unwrap().value().unwrap()["id"], BOB);
    world.auth.revoke(BOB).await.unwrap();
    assert!(matches!(session.connection().disconnect_reason(), Some(DisconnectReason::Unauthenticated(_))));
    // A service without a hook reads the caller from the parameters.
    assert_eq!(session.params().require_user().unwrap_err().code(), 401);
    assert!(session.params().authenticated().is_none());
}
