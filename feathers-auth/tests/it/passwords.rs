//! Passwords: old hashes, broken hashes, how long a look takes, and how many at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use feathers::Credentials;
use feathers::prelude::*;
use feathers_auth::Auth;
use serde_json::Value;

use crate::client::{Claim, Client, Way};
use crate::support::{PASSWORD, World, config, email, local, world};

/// A world whose users log in with hashes that are stored as they are.
async fn with_hash(hash: &str) -> World {
    let mut config = config();
    "people".clone_into(&mut config.service);
    let world = World::start(config, |app| {
        let people = app.service("people", Memory::<Json>::new());
        people.before("patch", hash_password("password")).publish(|_, app| app.channel("lobby"));
    })
    .await;
    let old = json!({ "id": 1, "email": email("old"), "password": hash });
    world.handle().service("people").unwrap().create(old, ()).await.unwrap();
    world
}

async fn stored(world: &World) -> Value {
    let old = world.handle().service("people").unwrap().get(Id::from(1), ()).await.unwrap();
    old.value().unwrap()["password"].clone()
}

#[tokio::test]
async fn a_bcrypt_hash_is_replaced_at_the_login_and_nobody_hears_of_it() {
    let hash = bcrypt::hash(PASSWORD, 5).unwrap();
    for version in ["$2b$", "$2a$", "$2y$"] {
        let hash = hash.replacen("$2b$", version, 1);
        let world = with_hash(&hash).await;
        let mut client = Client::listen(&world, Way::WebSocket, Claim::default()).await;
        let mut wrong = local("old");
        wrong["password"] = json!("incorrect");
        assert_eq!(world.try_login(&wrong).await.status, 401, "{version}");
        assert_eq!(stored(&world).await, hash, "{version}");
        assert_eq!(world.try_login(&local("old")).await.status, 201, "{version}");
        let now = stored(&world).await;
        assert!(now.as_str().unwrap().starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{version}: {now}");
        assert_eq!(world.try_login(&local("old")).await.status, 201, "{version}");
        assert_eq!(stored(&world).await, now, "{version}: hashed again without a reason");
        assert_eq!(world.try_login(&wrong).await.status, 401, "{version}");
        world.tick("lobby", 1);
        // An event of the change would come first.
        assert_eq!(client.events(1).await, [1], "{version}");
    }
}

#[tokio::test]
async fn a_hash_of_ten_rounds_of_the_original_is_known() {
    let world = with_hash(&bcrypt::hash(PASSWORD, 10).unwrap()).await;
    assert!(stored(&world).await.as_str().unwrap().starts_with("$2b$10$"));
    assert_eq!(world.try_login(&local("old")).await.status, 201);
}

#[tokio::test]
async fn hashes_that_cost_too_much_or_are_broken_are_nobodys() {
    let cheap = bcrypt::hash("incorrect", 4).unwrap();
    let costs = |cost: &str| cheap.replacen("$04$", cost, 1);
    for hash in [
        &*costs("$15$"),
        &costs("$31$"),
        &costs("$99$"),
        &costs("$0x4$"),
        &cheap[..40],
        "$2b$",
        "$2b$10",
        "$2b$-1$",
        "$2",
        "$",
        "",
        PASSWORD,
        "$argon2id$",
        "$argon2id$v=19$m=8,t=1,p=1$",
        "$argon2id$v=19$m=99999999999,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "$argon2id$v=19$m=4294967295,t=4294967295,p=1$YWJjZGVmZ2hpamtsbW5vcA$YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmc",
        "$argon2x$v=19$m=8,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "\0\u{ffff}",
    ] {
        let world = with_hash(hash).await;
        let started = Instant::now();
        let answer = world.try_login(&local("old")).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some("Invalid login")), "{hash:?}");
        assert!(started.elapsed() < Duration::from_secs(1), "{hash:?} took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_password_inside_of_an_object_is_hashed() {
    let mut config = config();
    "people".clone_into(&mut config.service);
    "login.password".clone_into(&mut config.local.password_field);
    let world = World::start(config, |app| {
        app.service("people", Memory::<Json>::new()).before("create", hash_password("login.password"));
    })
    .await;
    let person = json!({ "id": 1, "email": email("new"), "login": { "password": PASSWORD } });
    world.handle().service("people").unwrap().create(person, ()).await.unwrap();
    let person = world.handle().service("people").unwrap().get(Id::from(1), ()).await.unwrap();
    let hash = person.value().unwrap()["login"]["password"].as_str().unwrap().to_owned();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let login = json!({ "strategy": "local", "email": email("new"), "login": { "password": PASSWORD } });
    assert_eq!(world.try_login(&login).await.status, 201);
}

async fn time_of(auth: &Auth, email: String) -> Duration {
    let login = json!({ "strategy": "local", "email": email, "password": "incorrect horse" });
    let credentials = Credentials::new(login.as_object().unwrap().clone());
    let started = Instant::now();
    let error = auth.authenticate(&credentials, &Params::new(), &["local"]).await.unwrap_err();
    let time = started.elapsed();
    assert_eq!((error.code(), error.message(), error.data()), (401, "Invalid login", None));
    time
}

#[tokio::test]
async fn s23_a_login_of_nobody_takes_as_long_as_a_wrong_password() {
    let mut config = config();
    config.password.memory = 64;
    let world = World::start(config, |_| {}).await;
    let mut ratios = Vec::new();
    // Other tests take cores away now and then.
    for _ in 0..3 {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for number in 0..300 {
            unknown.push(time_of(&world.auth, email(&format!("nobody{number}"))).await);
            known.push(time_of(&world.auth, email("bob")).await);
        }
        known.sort();
        unknown.sort();
        let ratio = known[150].as_secs_f64() / unknown[150].as_secs_f64();
        ratios.push(ratio);
        if (0.8..1.2).contains(&ratio) {
            return;
        }
    }
    panic!("the time tells who is there: {ratios:?}");
}

#[tokio::test]
async fn s23_answers_do_not_tell_who_is_there() {
    let world = world().await;
    let mut wrong = local("bob");
    wrong["password"] = json!("incorrect");
    let (known, unknown) = (world.try_login(&wrong).await, world.try_login(&local("nobody")).await);
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let names = |answer: &crate::support::Answer| {
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&known), names(&unknown));
}

#[tokio::test]
async fn past_the_queue_of_hashes_logins_are_told_to_come_later() {
    let mut config = config();
    config.password.queue = 0;
    let (app, auth) = crate::support::app(config, |_| {});
    let world = World::serve(app, auth, |server| server).await;
    let answer = world.try_login(&local("bob")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    for way in Way::SOCKETS {
        let mut client = Client::listen(&world, way, Claim::default()).await;
        let error = client.login(&local("bob")).await.unwrap_err();
        assert_eq!((error["code"].as_u64(), error["data"]["retryAfter"].as_u64()), (Some(503), Some(1)), "{way:?}");
    }
}

#[tokio::test]
async fn many_logins_at_once_are_answered_each() {
    let mut config = config();
    (config.password.queue, config.password.threads, config.password.memory) = (2, Some(1), 256);
    let world = Arc::new(World::start(config, |_| {}).await);
    let logins = (0..30).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { world.try_login(&local("bob")).await.status })
    });
    let mut statuses = Vec::new();
    for login in futures_util::future::join_all(logins).await {
        statuses.push(login.unwrap());
    }
    assert!(statuses.iter().all(|status| [201, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&201) && statuses.contains(&503), "{statuses:?}");
    // Those that were turned away have given their places back.
    assert_eq!(world.try_login(&local("bob")).await.status, 201);
}
