//! Answers before the end: what ends a connection takes no answer of a call under way with it, and lets no new one run.

use std::sync::Arc;
use std::time::Duration;

use feathers::prelude::*;
use feathers::transports::SocketIoxide;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::client::{Claim, Client, End, Seen, Way};
use crate::endings::{denied, listening};
use crate::support::{BOB, PATIENCE, World, app, config, jwt};

/// A service whose calls wait until they are let on, and then have their connection join the channel `late`.
#[derive(Clone)]
struct Slow {
    begun: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Slow {
    fn new() -> Self {
        Self { begun: Arc::new(Semaphore::new(0)), gate: Arc::new(Semaphore::new(0)) }
    }

    fn mount(&self, app: &mut App) {
        app.service("slow", Memory::<Document>::new()).before("all", self.clone());
    }

    async fn has_begun(&self) {
        let begun = tokio::time::timeout(PATIENCE, self.begun.acquire()).await;
        begun.expect("no call begins").unwrap().forget();
    }

    fn let_on(&self) {
        self.gate.add_permits(1);
    }
}

#[async_trait]
impl feathers::hook::Hook for Slow {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        self.begun.add_permits(1);
        self.gate.acquire().await.map_err(Error::internal)?.forget();
        if let Some(connection) = &ctx.params.connection {
            ctx.app().channel("late").join(connection);
        }
        Ok(())
    }
}

/// Returns how a connection ends whose client is to come back with other permissions.
fn renewed(way: Way) -> End {
    match way {
        Way::Polling => End::Status(400),
        Way::SocketIo => End::Code(1012),
        Way::WebSocket => End::Code(4201),
        Way::Sse | Way::LongPoll | Way::ShortPoll => End::Ended,
    }
}

/// A world with slow calls.
async fn slow_world(more: impl FnOnce(&mut App)) -> (World, Slow) {
    let slow = Slow::new();
    let world = World::start(config(), |app| {
        slow.mount(app);
        more(app);
    })
    .await;
    (world, slow)
}

/// A world whose Socket.IO is the alternative one.
async fn other_world() -> (World, Slow) {
    let slow = Slow::new();
    let (app, auth) = app(config(), |app| slow.mount(app));
    let world = World::serve_alone(app, auth, SocketIoxide::new()).await;
    world.add_users().await;
    (world, slow)
}

/// Every socket, and Socket.IO on the other engine.
async fn sockets() -> Vec<(Way, World, Slow)> {
    let mut all = Vec::new();
    for way in Way::SOCKETS {
        let (world, slow) = slow_world(|_| {}).await;
        all.push((way, world, slow));
    }
    for way in [Way::Polling, Way::SocketIo] {
        let (world, slow) = other_world().await;
        all.push((way, world, slow));
    }
    all
}

#[tokio::test]
async fn the_call_that_ends_its_own_connection_is_answered() {
    for (change, is_denied) in [
        (json!({ "data": { "password": "battery staple" } }), true),
        (json!({ "data": { "role": "admin" } }), false),
        (Value::Null, true),
    ] {
        for (way, world, _) in sockets().await {
            let other = !world.has_recovery;
            let token = world.login("bob").await;
            let mut bob = listening(&world, way, &token).await;
            let (method, mut arguments) =
                if change.is_null() { ("remove", json!({})) } else { ("patch", change.clone()) };
            arguments["id"] = json!(BOB);
            let answer = bob.call(method, "users", arguments).await;
            assert_eq!(answer.as_ref().map(|user| &user["id"]), Ok(&json!(BOB)), "{way:?} {change}");
            world.tick("members", 2);
            let end = if is_denied || other { denied(way) } else { renewed(way) };
            assert_eq!(bob.closed().await, (vec![], end), "{way:?} {change} {other}");
        }
    }
}

#[tokio::test]
async fn calls_under_way_are_answered_and_those_right_behind_are_refused() {
    for (way, world, slow) in sockets().await {
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        bob.start_call("find", "slow").await;
        slow.has_begun().await;
        world.auth.revoke(BOB).await.unwrap();
        world.tick("members", 2);
        bob.start_create("notes", &json!({ "n": 1 })).await;
        let refused = bob.answer().await.unwrap_err();
        assert_eq!((&refused["code"], &refused["message"]), (&json!(401), &json!("jwt revoked")), "{way:?}");
        slow.let_on();
        assert_eq!(bob.answer().await, Ok(json!([])), "{way:?}");
        assert_eq!(bob.closed().await, (vec![], denied(way)), "{way:?}");
        assert_eq!(world.handle().service("notes").unwrap().find(()).await.unwrap().value().unwrap(), &json!([]));
    }
}

#[tokio::test]
async fn calls_that_wait_for_their_turn_are_refused_too() {
    const RUNNING: usize = 64;
    for (way, world, slow) in sockets().await {
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        for _ in 0..RUNNING + 10 {
            bob.start_call("find", "slow").await;
        }
        for _ in 0..RUNNING {
            slow.has_begun().await;
        }
        world.auth.revoke(BOB).await.unwrap();
        slow.gate.add_permits(RUNNING + 10);
        let mut codes = Vec::new();
        for _ in 0..RUNNING + 10 {
            codes.push(bob.answer().await.err().map(|error| error["code"].clone()));
        }
        let refused = codes.iter().filter(|code| **code == Some(json!(401))).count();
        assert_eq!((refused, codes.len() - refused), (10, RUNNING), "{way:?}");
        assert_eq!(bob.closed().await, (vec![], denied(way)), "{way:?}");
        assert_eq!(slow.begun.available_permits(), 0, "{way:?}: a call has begun");
    }
}

#[tokio::test]
async fn a_connection_does_not_wait_for_answers_for_ever() {
    for way in Way::SOCKETS {
        let (world, slow) = slow_world(|app| {
            app.answer_grace(Duration::from_millis(50));
        })
        .await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        bob.start_call("find", "slow").await;
        slow.has_begun().await;
        world.auth.revoke(BOB).await.unwrap();
        assert_eq!(bob.next().await, Seen::End(denied(way)), "{way:?}");
        slow.let_on();
    }
}

#[tokio::test]
async fn rest_calls_of_a_session_are_answered_and_their_stream_ends_at_once() {
    for way in Way::HTTP {
        let (world, slow) = slow_world(|_| {}).await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        let (bearer, secret) = (format!("Bearer {token}"), bob.conn.clone().unwrap());
        let headers = [("authorization", &*bearer), ("x-connection-token", &secret)];
        let call = world.ask("GET", "/slow", &headers, "");
        let end = async {
            slow.has_begun().await;
            world.auth.revoke(BOB).await.unwrap();
            world.tick("members", 2);
            assert_eq!(bob.closed().await, (vec![], denied(way)), "{way:?}");
            let behind = world.ask("GET", "/secrets", &headers, "").await;
            assert_eq!(behind.status, 401, "{way:?}: {behind:?}");
            slow.let_on();
        };
        let (answer, ()) = tokio::join!(call, end);
        assert_eq!((answer.status, &*answer.text), (200, "[]"), "{way:?}");
    }
}

/// Begins a slow call on a connection, changes the user there, and lets the call finish.
async fn assert_joins_nothing(change: impl AsyncFn(&World, &mut Client)) {
    for way in Way::ALL {
        let (world, slow) = slow_world(|_| {}).await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        if Way::SOCKETS.contains(&way) {
            bob.start_call("find", "slow").await;
            slow.has_begun().await;
            change(&world, &mut bob).await;
            slow.let_on();
            assert_eq!(bob.answer().await, Ok(json!([])), "{way:?}");
        } else {
            let (bearer, secret) = (format!("Bearer {token}"), bob.conn.clone().unwrap());
            let headers = [("authorization", &*bearer), ("x-connection-token", &secret)];
            let call = world.ask("GET", "/slow", &headers, "");
            let changed = async {
                slow.has_begun().await;
                change(&world, &mut bob).await;
                slow.let_on();
            };
            let (answer, ()) = tokio::join!(call, changed);
            assert_eq!(answer.status, 200, "{way:?}");
        }
        world.tick("late", 5);
        world.tick("lobby", 6);
        assert_eq!(bob.events(1).await, [6], "{way:?}");
        assert!(world.handle().channel("late").is_empty(), "{way:?}");
        // What begins after it joins.
        slow.let_on();
        bob.call("find", "slow", json!({})).await.unwrap();
        world.tick("late", 7);
        assert_eq!(bob.events(1).await, [7], "{way:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_under_way_at_a_logout_joins_no_channel() {
    assert_joins_nothing(async |_, bob| drop(bob.logout().await.unwrap())).await;
}

#[tokio::test]
async fn a_call_of_the_user_before_joins_no_channel() {
    assert_joins_nothing(async |world, bob| {
        let eve = world.login("eve").await;
        bob.login(&jwt(&eve)).await.unwrap();
        if !Way::SOCKETS.contains(&bob.way) {
            bob.show(&eve);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_presented_beats_what_is_kept() {
    for way in [Way::Polling, Way::SocketIo] {
        let (world, _) = slow_world(|_| {}).await;
        let (ada, eve) = (world.login("ada").await, world.login("eve").await);
        let client = Client::listen(&world, way, Claim::token(&ada)).await;
        let claim = Claim { pid: client.pid.clone(), ..Claim::bearer(&eve) };
        let mut thief = Client::listen(&world, way, claim).await;
        world.tick("admin", 1);
        world.tick("members", 2);
        assert_eq!(thief.events(1).await, [2], "{way:?}");
        let claim = Claim { pid: thief.pid.clone(), ..Claim::bearer("nonsense") };
        let refused = Client::try_listen(&world, way, claim).await.err();
        let data = json!({ "name": "JsonWebTokenError" });
        let malformed = End::Refused(json!({ "message": "jwt malformed", "data": data }));
        assert_eq!(refused, Some(malformed), "{way:?}");
    }
}
