//! Passwords: old hashes, broken hashes, how long a look takes, and how many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use feathers::hook::Hook;
use feathers::prelude::*;
use feathers::session::Credentials;
use feathers::store::Multi;
use feathers_auth::{Auth, HashPassword};
use serde_json::Value;

use crate::client::{Claim, Client, Way};
use crate::support::{PASSWORD, User, World, config, email, local, world};

/// A world whose users log in with hashes that are stored as they are.
async fn with_hash(hash: &str) -> World {
    let mut config = config();
    "people".clone_into(&mut config.service);
    let world = World::start(config, |app| {
        let people = app.service("people", Memory::<Document>::new());
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
        app.service("people", Memory::<Document>::new()).before("create", hash_password("login.password"));
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

/// Hashes passwords, but not those that are hashes already.
struct Plain(HashPassword);

#[async_trait]
impl Hook for Plain {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if ctx.params.query.remove("hashed").is_some() { Ok(()) } else { self.0.run(ctx).await }
    }
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

/// Returns the middle of some times, and how far those in the middle half are apart.
fn spread(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |part: usize| times[times.len() * part / 4].as_secs_f64();
    (at(2), at(3) - at(1))
}

#[tokio::test]
#[ignore = "slow: it hashes some thousand passwords, and needs a core for itself"]
async fn s23_the_time_of_a_login_that_fails_does_not_tell_who_is_there() {
    let mut config = config();
    (config.password.memory, config.password.threads) = (512, Some(1));
    "people".clone_into(&mut config.service);
    let world = World::start(config, |app| {
        app.service("people", Memory::<Document>::new()).before("create", Plain(hash_password("password")));
    })
    .await;
    let people = world.handle().service("people").unwrap();
    people.create(json!({ "email": email("new"), "password": PASSWORD }), ()).await.unwrap();
    let mut names = vec!["new".to_owned(), "nobody".to_owned()];
    let cheap = bcrypt::hash(PASSWORD, 4).unwrap();
    let costly = cheap.replacen("$04$", "$15$", 1);
    let hashes = [("locked".to_owned(), None), ("costly".to_owned(), Some(costly))];
    let old = [4, 5, 6].map(|cost| (format!("old{cost}"), Some(bcrypt::hash(PASSWORD, cost).unwrap())));
    for (name, hash) in hashes.into_iter().chain(old) {
        let stored = json!({ "email": email(&name), "password": hash });
        people.create(stored, Params::query(json!({ "hashed": true }))).await.unwrap();
        names.push(name);
    }
    let mut times: Vec<Vec<Duration>> = names.iter().map(|_| Vec::new()).collect();
    for round in 0..210 {
        for (name, times) in names.iter().zip(&mut times) {
            let time = time_of(&world.auth, email(name)).await;
            // In the first ones it is learned which hashes there are.
            if round >= 10 {
                times.push(time);
            }
        }
    }
    let spreads: Vec<(f64, f64)> = times.into_iter().map(spread).collect();
    let widest = spreads.iter().map(|(_, width)| *width).fold(0.0, f64::max);
    for (name, (middle, _)) in names.iter().zip(&spreads) {
        let (nobody, _) = spreads[1];
        assert!((middle - nobody).abs() <= widest, "{name} differs from nobody: {names:?} {spreads:?}");
    }
}

#[tokio::test]
#[ignore = "slow: it needs the machine for itself, and keeps it busy"]
async fn a_login_does_not_starve_beside_busy_programs() {
    let mut config = config();
    (config.password.memory, config.password.iterations, config.password.threads) = (19 * 1_024, 2, None);
    let world = World::start(config, |_| {}).await;
    let median = async || {
        let mut times = Vec::new();
        for _ in 0..15 {
            times.push(time_of(&world.auth, email("bob")).await);
        }
        times.sort();
        times[7]
    };
    let alone = median().await;
    let on = Arc::new(AtomicBool::new(true));
    let busy = [(); 4].map(|()| {
        let on = on.clone();
        std::thread::spawn(move || while on.load(Ordering::Relaxed) {})
    });
    let beside = median().await;
    on.store(false, Ordering::Relaxed);
    for thread in busy {
        thread.join().unwrap();
    }
    assert!(beside <= 10 * alone, "{beside:?} beside four busy loops, {alone:?} alone");
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
    // Refused logins have given their permits back.
    assert_eq!(world.try_login(&local("bob")).await.status, 201);
}

/// A world without room to hash passwords: a login that needs it is a 503.
async fn without_hashes(more: impl FnOnce(&mut App)) -> World {
    let mut config = config();
    config.password.queue = 0;
    let (app, auth) = crate::support::app(config, more);
    World::serve(app, auth, |server| server).await
}

#[tokio::test]
async fn a_password_is_hashed_last() {
    let world = without_hashes(|app| {
        app.service("people", Memory::<User>::new())
            .before(["create", "update", "patch"], hash_password("password"))
            .before(["update", "patch"], authenticate("jwt"));
        app.service("open", Memory::<User>::new().multi(Multi::All))
            .before(["create", "update", "patch"], hash_password("password"))
            .before("create", async |ctx: &mut Context| {
                // A field that validation needs and a later hook sets.
                if let Some(data) = ctx.data.object_mut().ok().filter(|data| data.contains_key("name")) {
                    let name = data.shift_remove("name").unwrap_or_default();
                    data.insert("email".to_owned(), name);
                }
                Ok(())
            });
    })
    .await;
    let good = json!({ "email": email("new"), "password": PASSWORD });
    let without = json!({ "password": PASSWORD });
    for (method, path, body, status) in [
        ("POST", "/people", &good, 503),
        ("POST", "/people", &without, 400),
        ("POST", "/people", &json!({ "email": 1, "password": PASSWORD }), 400),
        ("POST", "/people", &json!({ "email": email("new"), "password": "short" }), 400),
        ("POST", "/people", &json!({ "email": email("new"), "password": 7 }), 400),
        ("POST", "/people", &json!([good, good]), 405),
        ("PATCH", "/people/1", &without, 401),
        ("PUT", "/people/1", &good, 401),
        ("POST", "/open", &json!({ "name": email("new"), "password": PASSWORD }), 503),
        ("POST", "/open", &json!([good, without]), 400),
        ("POST", "/open", &json!([good, { "email": email("other"), "password": "short" }]), 400),
        ("POST", "/open", &json!([good, good]), 503),
        ("PATCH", "/open/77", &without, 404),
        ("PUT", "/open/77", &good, 404),
        ("PATCH", "/open?email[$nonsense]=1", &without, 400),
        ("PATCH", "/open", &without, 503),
    ] {
        let answer = world.ask(method, path, &[], &body.to_string()).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
    }
    // Fields that a hook puts into the query count as well.
    let open = world.handle().service("open").unwrap();
    let id = open.create(json!({ "email": email("new"), "password": "" }), ()).await;
    assert_eq!(id.unwrap_err().code(), 400);
    assert_eq!(open.find(()).await.unwrap().value().unwrap(), &json!([]));
}

#[tokio::test]
async fn hooks_after_it_may_refuse_answer_or_change_a_password() {
    let world = World::start(config(), |app| {
        app.service("people", Memory::<User>::new()).before("create", hash_password("password")).before(
            "create",
            async |ctx: &mut Context| match ctx.data.value()?["email"].as_str() {
                Some("refused") => Err(Error::forbidden("not you")),
                Some("answered") => {
                    ctx.result = Some(json!({ "id": 7, "email": "answered" }).into());
                    Ok(())
                }
                _ => {
                    let spaced = ctx.data.value()?["password"].as_str().unwrap_or_default().to_owned();
                    ctx.data.object_mut()?["password"] = spaced.trim().into();
                    Ok(())
                }
            },
        );
    })
    .await;
    let people = world.handle().service("people").unwrap();
    let create = async |name: &str| people.create(json!({ "email": name, "password": "  correct horse " }), ()).await;
    assert_eq!(create("refused").await.unwrap_err().code(), 403);
    assert_eq!(create("answered").await.unwrap().value().unwrap()["id"], 7);
    let made = create("made").await.unwrap();
    let hash = made.value().unwrap()["password"].as_str().unwrap().to_owned();
    let passwords = world.auth.passwords().unwrap();
    assert_eq!(passwords.verify(PASSWORD, Some(&hash)).await.unwrap(), feathers_auth::Match::Yes);
    assert_eq!(people.find(()).await.unwrap().value().unwrap().as_array().unwrap().len(), 1);
}
