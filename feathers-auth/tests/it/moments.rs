//! Logins that wait while something happens: they are decided on what is true at their end.

use std::sync::Arc;

use feathers::Method;
use feathers::app::Mount;
use feathers::hook::Hook;
use feathers::prelude::*;
use feathers::session::Credentials;
use feathers_auth::{ApiKey, Auth, Identity, Revocation, Strategy};
use serde_json::Map;
use tokio::sync::Semaphore;

use crate::client::{Claim, Client, Way};
use crate::races::Gate;
use crate::support::{Answer, BOB, PASSWORD, PATIENCE, SECRET, User, World, config, email, local};

/// Holds up calls from inside.
#[derive(Clone)]
struct Inside(Gate);

#[async_trait]
impl Hook for Inside {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if ctx.params.is_external() { Ok(()) } else { self.0.run(ctx).await }
    }
}

/// Begins a login of bob, which waits once his record has been read; then makes the change and lets the login go on.
async fn login_during(world: World, gate: Gate, change: impl AsyncFn(&World)) -> (Arc<World>, Answer) {
    let world = Arc::new(world);
    let guard = gate.close().await;
    let login = tokio::spawn({
        let world = world.clone();
        async move { world.try_login(&local("bob")).await }
    });
    gate.a_call_waits().await;
    change(&world).await;
    drop(guard);
    (world, login.await.unwrap())
}

/// A world with a gate behind every `find` from inside: logins read records with one.
async fn finding() -> (World, Gate) {
    let gate = Gate::new();
    let hook = Inside(gate.clone());
    let world = World::start(config(), move |app| {
        app.after("find", hook);
    });
    (world.await, gate)
}

#[tokio::test]
async fn s4_a_login_that_waits_is_decided_on_what_is_true_at_its_end() {
    let patch = |body: &'static str| {
        async move |world: &World| {
            let answer = world.ask("PATCH", "/users/2", &[], body).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    };
    for (body, status) in [
        (r#"{"password":"battery staple"}"#, 401),
        (r#"{"email":"bob@other.example"}"#, 401),
        (r#"{"banned":true}"#, 403),
        (r#"{"role":"guest"}"#, 201),
    ] {
        let (world, gate) = finding().await;
        let (world, answer) = login_during(world, gate, patch(body)).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        let again = world.try_login(&local("bob")).await.status;
        assert_eq!(again, status, "{body}");
    }
    let (world, gate) = finding().await;
    let (_world, answer) = login_during(world, gate, async |world| {
        assert_eq!(world.ask("DELETE", "/users/2", &[], "").await.status, 200);
    })
    .await;
    assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some("Invalid login")));
    let (world, gate) = finding().await;
    let (_world, answer) = login_during(world, gate, async |world| world.auth.revoke(BOB).await.unwrap()).await;
    assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some("jwt revoked")));
}

/// Logs in as the user whom the credentials name, with the record or with the id alone.
struct Named {
    with_record: bool,
}

#[async_trait]
impl Strategy for Named {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, auth: &Auth) -> Result<Identity> {
        let id = credentials.text("id").unwrap();
        let found = auth.entity(id).await?;
        Ok(if self.with_record { Identity::of(found) } else { Identity::claims([("sub", id)]) })
    }
}

/// A world with strategies that read a record, and a gate behind that.
async fn with_strategies() -> (World, Gate) {
    let gate = Gate::new();
    let mut app = App::new();
    app.service("users", Memory::<User>::new());
    app.service("secrets", Memory::<Document>::new()).before("all", authenticate("jwt"));
    app.after("get", Inside(gate.clone()));
    let keys = ApiKey::lookup(async |_, app: AppHandle| {
        app.get::<Auth>().unwrap().entity("2").await?;
        Ok(Some(Identity::claims([("sub", "2")])))
    });
    let authentication = Authentication::new(config()).jwt().api_key(keys).check_user(|user| {
        let banned = user.value()?["banned"] == true;
        if banned { Err(Error::forbidden("you are banned")) } else { Ok(()) }
    });
    let authentication = authentication.strategy("record", Named { with_record: true });
    let auth = authentication.strategy("claims", Named { with_record: false }).install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    world.add_users().await;
    (world, gate)
}

#[tokio::test]
async fn s4_every_strategy_is_decided_on_what_is_true_at_its_end() {
    for strategy in ["jwt", "record", "claims", "api-key"] {
        for (change, status) in [("revoke", 401), ("remove", 401), ("ban", 403), ("touch", 201)] {
            let (world, gate) = with_strategies().await;
            let token = world.auth.create_token(Some("2"), Map::new()).unwrap();
            let login = json!({ "strategy": strategy, "id": "2", "apiKey": "a key", "accessToken": token });
            let guard = gate.close().await;
            let world = Arc::new(world);
            let answer = tokio::spawn({
                let world = world.clone();
                async move { world.try_login(&login).await }
            });
            gate.a_call_waits().await;
            match change {
                "revoke" => world.auth.revoke(BOB).await.unwrap(),
                "remove" => assert_eq!(world.ask("DELETE", "/users/2", &[], "").await.status, 200),
                "ban" => assert_eq!(world.ask("PATCH", "/users/2", &[], r#"{"banned":true}"#).await.status, 200),
                _ => assert_eq!(world.ask("PATCH", "/users/2", &[], r#"{"email":"b@c.de"}"#).await.status, 200),
            }
            drop(guard);
            let answer = answer.await.unwrap();
            // Without a record, the first call is the first to read it.
            let known = matches!(strategy, "jwt" | "record");
            let expected = if change == "ban" && !known { 201 } else { status };
            assert_eq!(answer.status, expected, "{strategy} {change}: {answer:?}");
            if answer.status == 201 {
                let token = answer.json()["accessToken"].as_str().unwrap().to_owned();
                let status = if change == "ban" { 403 } else { 200 };
                assert_eq!(world.status_of(&token).await, status, "{strategy} {change}");
            }
        }
    }
}

/// Worlds in which bob has an old hash, with a gate before every `patch` from inside, which a login makes to replace it.
async fn with_an_old_hash(store: &str) -> (World, Gate) {
    let gate = Gate::new();
    let hook = Inside(gate.clone());
    let mut config = config();
    "people".clone_into(&mut config.service);
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let rows = db.store::<User>().await.unwrap();
    let world = World::start(config, move |app| {
        let people: Arc<dyn Service> = match store {
            "rows" => Arc::new(rows),
            "records" => Arc::new(Memory::<User>::new()),
            _ => Arc::new(Memory::<Document>::new()),
        };
        app.service("people", Mount::new(people)).before("patch", hash_password("password")).before("patch", hook);
    })
    .await;
    let old = json!({ "email": email("bob"), "password": bcrypt::hash(PASSWORD, 4).unwrap() });
    world.handle().service("people").unwrap().create(old, ()).await.unwrap();
    (world, gate)
}

const STORES: [&str; 3] = ["rows", "records", "json"];

#[tokio::test]
async fn s4_an_old_hash_that_is_replaced_at_a_login_does_not_undo_a_new_password() {
    for store in STORES {
        let (world, gate) = with_an_old_hash(store).await;
        let (world, answer) = login_during(world, gate, async |world| {
            let answer = world.ask("PATCH", "/people/1", &[], r#"{"password":"battery staple"}"#).await;
            assert_eq!(answer.status, 200, "{store}: {answer:?}");
        })
        .await;
        assert_eq!(answer.status, 401, "{store}: {answer:?}");
        assert_eq!(world.try_login(&local("bob")).await.status, 401, "{store}: the old password is good again");
        let new = json!({ "strategy": "local", "email": email("bob"), "password": "battery staple" });
        assert_eq!(world.try_login(&new).await.status, 201, "{store}");
    }
}

#[tokio::test]
async fn s4_two_logins_that_replace_an_old_hash_at_once_are_both_let_in() {
    for store in STORES {
        let (world, gate) = with_an_old_hash(store).await;
        let (world, guard) = (Arc::new(world), gate.close().await);
        let login = || {
            let world = world.clone();
            tokio::spawn(async move { world.try_login(&local("bob")).await.status })
        };
        let both = [login(), login()];
        gate.a_call_waits().await;
        gate.a_call_waits().await;
        drop(guard);
        for login in both {
            assert_eq!(login.await.unwrap(), 201, "{store}");
        }
        let stored = world.handle().service("people").unwrap().get(Id::from(1), ()).await.unwrap();
        assert!(stored.value().unwrap()["password"].as_str().unwrap().starts_with("$argon2id$"), "{store}");
    }
}

#[tokio::test]
async fn s4_a_process_that_reads_its_own_revocation_back_ends_nothing_later() {
    let reads = Arc::new(Semaphore::new(0));
    let read = reads.clone();
    let mut app = App::new();
    app.service("users", Memory::<User>::new()).before("create", hash_password("password"));
    app.service("secrets", Memory::<Document>::new()).before("all", authenticate("jwt"));
    app.service("revocations", Memory::<Revocation>::new()).methods::<Method>([]).after(
        "find",
        hook::with_state(read, async |read: &Arc<Semaphore>, _: &mut Context| {
            read.add_permits(1);
            Ok(())
        }),
    );
    let authentication = Authentication::new(config()).jwt().local("email").revocations("revocations");
    let auth = authentication.install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    world.add_users().await;
    // Twice within a second, so that the second revocation is dated ahead of the clock.
    for _ in 0..2 {
        world.auth.revoke(BOB).await.unwrap();
        let token = world.login("bob").await;
        let mut bob = Client::listen(&world, Way::WebSocket, Claim::token(&token)).await;
        reads.forget_permits(Semaphore::MAX_PERMITS);
        // One read may have begun before the revocation was stored.
        tokio::time::timeout(PATIENCE, reads.acquire_many(2)).await.expect("two reads").unwrap().forget();
        assert_eq!(world.status_of(&token).await, 200);
        assert_eq!(bob.call("find", "secrets", json!({})).await.unwrap(), json!([]));
        // A token from before it stays revoked, here and at the next start.
        let stored = world.handle().service("revocations").unwrap().find(()).await.unwrap();
        let time = stored.value().unwrap().as_array().unwrap().last().unwrap()["time"].as_u64().unwrap();
        let claims = json!({ "sub": "2", "iat": time });
        let old = crate::tokens::with_secret(crate::tokens::HEADER, &crate::tokens::claims(&claims), SECRET);
        assert_eq!(world.status_of(&old).await, 401);
    }
}
