//! Logins during other logins, logouts and changes.

use std::sync::Arc;

use feathers::call::Provider;
use feathers::hook::Hook;
use feathers::prelude::*;
use feathers::session::{Credentials, Handshake, HandshakeCredentials, Session};
use feathers::transports::Rest;
use feathers_auth::ApiKey;
use serde_json::Map;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, Semaphore};

use crate::client::{Claim, Client, End, Way};
use crate::support::{ADA, BOB, PATIENCE, World, app, config, jwt, local, world};

/// Opens a session without a socket.
async fn open(world: &World, token: &str) -> Result<Session> {
    let credentials = HandshakeCredentials::Sent(Credentials::of("jwt", "accessToken", token));
    world.handle().open(Handshake::new(Provider::new("test")).credentials(credentials)).await
}

/// Holds up calls that have read a record.
#[derive(Clone)]
pub(crate) struct Gate {
    arrived: Arc<Semaphore>,
    lock: Arc<RwLock<()>>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), lock: Arc::default() }
    }

    /// Closes it until the guard is dropped.
    pub(crate) async fn close(&self) -> OwnedRwLockWriteGuard<()> {
        self.lock.clone().write_owned().await
    }

    pub(crate) async fn a_call_waits(&self) {
        let arrived = tokio::time::timeout(PATIENCE, self.arrived.acquire()).await;
        arrived.expect("no call arrives").unwrap().forget();
    }
}

#[async_trait]
impl Hook for Gate {
    async fn run(&self, _ctx: &mut Context) -> Result<()> {
        if self.lock.try_read().is_err() {
            self.arrived.add_permits(1);
            drop(self.lock.read().await);
        }
        Ok(())
    }
}

/// A world with a gate behind every `get`.
async fn gated() -> (Arc<World>, Gate) {
    let gate = Gate::new();
    let hook = gate.clone();
    let world = World::start(config(), move |app| {
        app.after("get", hook);
    })
    .await;
    (Arc::new(world), gate)
}

/// Is put on each connection that logs in, so that the test knows whether all of them are dropped.
#[derive(Clone)]
struct Mark(Arc<()>);

#[async_trait]
impl Hook for Mark {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if let Some(connection) = &ctx.params.connection {
            connection.insert(self.clone());
        }
        Ok(())
    }
}

impl Mark {
    fn marked(&self) -> usize {
        // One is the test's, one the hook's.
        Arc::strong_count(&self.0) - 2
    }
}

/// A world with a gate behind every `get`, in which all that log in are marked.
async fn marking() -> (Arc<World>, Gate, Mark) {
    let (gate, mark) = (Gate::new(), Mark(Arc::default()));
    let (get, create) = (gate.clone(), mark.clone());
    let world = World::start(config(), move |app| {
        app.after("get", get).before("create", create);
    })
    .await;
    (Arc::new(world), gate, mark)
}

/// Checks that no connection is left anywhere, once all that was begun is finished.
async fn assert_nothing_is_left(world: &World, mark: &Mark) {
    world.handle().shutdown(PATIENCE).await.unwrap();
    assert_eq!(world.handle().connections(), 0);
    assert_eq!(world.auth.connections(BOB), []);
    assert_eq!(mark.marked(), 0, "a connection is still kept somewhere");
}

/// Changes ada while she logs in: the connection follows the changed record.
async fn assert_seen_during_a_login(change: impl AsyncFn(&World)) {
    let (world, gate) = gated().await;
    let token = world.login("ada").await;
    let guard = gate.close().await;
    let login = tokio::spawn({
        let world = world.clone();
        async move { open(&world, &token).await }
    });
    gate.a_call_waits().await;
    change(&world).await;
    drop(guard);
    if let Ok(session) = login.await.unwrap() {
        let closed = tokio::time::timeout(PATIENCE, session.connection().closed()).await;
        closed.expect("the connection lives on");
        let mut events = session.subscribe();
        world.tick("admin", 1);
        world.tick("members", 1);
        assert!(events.next().await.is_none());
    }
    assert_eq!(world.auth.connections(ADA), []);
}

#[tokio::test]
async fn s5_a_ban_during_a_login_counts() {
    assert_seen_during_a_login(async |world| world.patch(ADA, json!({ "banned": true })).await).await;
}

#[tokio::test]
async fn s5_a_role_that_is_lost_during_a_login_is_lost() {
    for role in [json!("guest"), json!(null)] {
        let (world, gate) = gated().await;
        let token = world.login("ada").await;
        let guard = gate.close().await;
        let login = tokio::spawn({
            let world = world.clone();
            async move { open(&world, &token).await }
        });
        gate.a_call_waits().await;
        world.patch(ADA, json!({ "role": role })).await;
        drop(guard);
        // The login has her record as it is now.
        let session = login.await.unwrap().unwrap();
        assert_eq!(session.connection().user().unwrap().value().unwrap()["role"], role);
        let channels = session.connection().channels();
        assert!(channels.iter().any(|name| &**name == "members"), "{channels:?}");
        assert!(!channels.iter().any(|name| &**name == "admin"), "{channels:?}");
    }
}

#[tokio::test]
async fn s5_a_revocation_during_a_login_counts() {
    assert_seen_during_a_login(async |world| world.auth.revoke(ADA).await.unwrap()).await;
    assert_seen_during_a_login(async |world| {
        world.handle().service("users").unwrap().remove(Id::from(ADA), ()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn s5_another_change_during_a_login_keeps_nobody_out() {
    let (world, gate) = gated().await;
    let token = world.login("ada").await;
    let guard = gate.close().await;
    let login = tokio::spawn({
        let world = world.clone();
        async move { open(&world, &token).await }
    });
    gate.a_call_waits().await;
    world.patch(ADA, json!({ "email": "ada@other.example" })).await;
    drop(guard);
    let session = login.await.unwrap().unwrap();
    assert!(!session.connection().is_closed());
    assert_eq!(session.connection().user().unwrap().value().unwrap()["email"], "ada@other.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s4_a_revocation_that_races_a_login_wins() {
    let world = Arc::new(world().await);
    let mut let_in = 0;
    for round in 0..200 {
        let token = world.auth.create_token(Some("2"), Map::new()).unwrap();
        let start = Arc::new(tokio::sync::Barrier::new(2));
        let login = tokio::spawn({
            let (world, start) = (world.clone(), start.clone());
            async move {
                start.wait().await;
                open(&world, &token).await
            }
        });
        start.wait().await;
        for _ in 0..round % 20 {
            tokio::task::yield_now().await;
        }
        world.auth.revoke(BOB).await.unwrap();
        if let Ok(session) = login.await.unwrap() {
            let_in += 1;
            assert!(session.connection().is_closed(), "round {round}");
        }
        assert_eq!(world.auth.connections(BOB), [], "round {round}");
    }
    assert!((1..200).contains(&let_in), "{let_in} of 200 came first, so the two have not raced");
}

#[tokio::test]
async fn a_connection_that_ends_while_it_logs_in_leaves_nothing() {
    // Before the login is made, and when it has been made but its answer is still on its way.
    let (world, gate, mark) = marking().await;
    let token = world.login("bob").await;
    let guard = gate.close().await;
    let login = tokio::spawn({
        let world = world.clone();
        async move { open(&world, &token).await.map(drop) }
    });
    gate.a_call_waits().await;
    assert_eq!(mark.marked(), 1);
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    drop(guard);
    // The login is finished in the background.
    assert_nothing_is_left(&world, &mark).await;
}

#[tokio::test]
async fn a_connection_that_ends_while_it_logs_in_later_leaves_nothing() {
    let (world, gate, mark) = marking().await;
    let token = world.login("bob").await;
    let mut client = Client::listen(&world, Way::WebSocket, Claim::default()).await;
    let guard = gate.close().await;
    client.start_login(&jwt(&token)).await;
    gate.a_call_waits().await;
    assert_eq!(mark.marked(), 1);
    drop(client);
    world.until_empty().await;
    drop(guard);
    assert_nothing_is_left(&world, &mark).await;
}

#[tokio::test]
async fn a_connection_that_a_check_refuses_leaves_nothing() {
    let mark = Mark(Arc::default());
    let create = mark.clone();
    let (app, auth) = app(config(), move |app| {
        app.before("create", create);
    });
    let socket = SocketIo::new().handshake(|_| Err(Error::forbidden("not today")));
    let server = Server::new(app).without_defaults().transport(socket).transport(Rest::new()).bind("127.0.0.1:0");
    let server = server.start().await.unwrap();
    let world =
        World { server, auth, http: reqwest::Client::builder().no_proxy().build().unwrap(), has_recovery: true };
    world.add_users().await;
    let token = world.login("bob").await;
    for way in [Way::Polling, Way::SocketIo] {
        let refused = Client::try_listen(&world, way, Claim::token(&token)).await.err();
        assert_eq!(refused, Some(End::Refused(json!({ "message": "not today" }))), "{way:?}");
    }
    assert_nothing_is_left(&world, &mark).await;
}

#[tokio::test]
async fn s5_another_login_on_a_connection_takes_the_place_of_the_first() {
    for way in Way::SOCKETS {
        let world = world().await;
        let mut client = Client::listen(&world, way, Claim::token(&world.login("ada").await)).await;
        client.login(&local("bob")).await.unwrap();
        assert_eq!((world.auth.connections(ADA).len(), world.auth.connections(BOB).len()), (0, 1), "{way:?}");
        world.tick("admin", 1);
        world.tick("members", 2);
        assert_eq!(client.events(1).await, [2], "{way:?}");
        // The end of the first login does not end the second.
        world.auth.revoke(ADA).await.unwrap();
        world.tick("members", 3);
        assert_eq!(client.events(1).await, [3], "{way:?}");
        // A login that fails changes nothing.
        client.login(&json!({ "strategy": "jwt", "accessToken": "nonsense" })).await.unwrap_err();
        assert_eq!(client.call("find", "secrets", json!({})).await.unwrap(), json!([]), "{way:?}");
    }
}

#[tokio::test]
async fn s5_another_program_on_a_connection_takes_the_place_of_the_first() {
    let mut config = config();
    config.entity = None;
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new()).events(["ticked"]).publish(|publication: &Publication, app| {
        app.channel(publication.data.value().unwrap()["to"].as_str().unwrap())
    });
    app.on_login(|login, app| {
        let name = login.result.value().unwrap()["authentication"]["payload"]["apiKeyName"].clone();
        app.channel(name.as_str().unwrap()).join(login.connection().unwrap());
    });
    let keys = ApiKey::keys([("mailer", "key of the mailer"), ("printer", "key of the printer")]);
    let auth = Authentication::new(config).jwt().api_key(keys).install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    for way in Way::SOCKETS {
        let mut client = Client::listen(&world, way, Claim::default()).await;
        for (key, to) in [("key of the mailer", "mailer"), ("key of the printer", "printer")] {
            client.login(&json!({ "strategy": "api-key", "apiKey": key })).await.unwrap();
            world.tick(to, 1);
            assert_eq!(client.events(1).await, [1], "{way:?}");
        }
        world.tick("mailer", 2);
        world.tick("printer", 3);
        assert_eq!(client.events(1).await, [3], "{way:?}");
    }
}

#[tokio::test]
async fn s5_two_logins_at_once_leave_the_channels_of_one() {
    for way in Way::SOCKETS {
        let gate = Gate::new();
        let slow = gate.clone();
        let world = World::start(config(), move |app| {
            app.on_login_async(move |login, app| {
                let slow = slow.clone();
                async move {
                    let role = login.result.value().unwrap()["user"]["role"].clone();
                    let (Some(role), Some(connection)) = (role.as_str(), login.connection()) else { return };
                    slow.arrived.add_permits(1);
                    drop(slow.lock.read().await);
                    app.channel(format!("slow {role}")).join(connection);
                }
            });
        })
        .await;
        let (ada, bob) = (world.login("ada").await, world.login("bob").await);
        gate.arrived.forget_permits(Semaphore::MAX_PERMITS);
        let mut client = Client::listen(&world, way, Claim::default()).await;
        let guard = gate.close().await;
        client.start_login(&jwt(&ada)).await;
        gate.a_call_waits().await;
        client.start_login(&jwt(&bob)).await;
        // A call that comes later is answered: the second login is under way.
        client.start_call("find", "notes").await;
        client.answer().await.unwrap();
        drop(guard);
        client.answer().await.unwrap();
        client.answer().await.unwrap();
        assert_eq!((world.auth.connections(ADA).len(), world.auth.connections(BOB).len()), (0, 1), "{way:?}");
        world.tick("slow admin", 1);
        world.tick("admin", 2);
        world.tick("members", 3);
        assert_eq!(client.events(1).await, [3], "{way:?}");
    }
}
