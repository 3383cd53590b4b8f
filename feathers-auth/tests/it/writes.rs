//! What a write of a user does to the user's logins: it follows the stored record, whatever hooks change in the answer.

use std::sync::Arc;

use feathers::hook::{AroundHook, Hook};
use feathers::prelude::*;
use feathers_auth::Auth;
use tokio::sync::Semaphore;

use crate::client::Client;
use crate::endings::listening;
use crate::support::{ADA, BOB, PASSWORD, PATIENCE, User, World, config, email};

/// What a hook does to a call that has succeeded already.
#[derive(Clone, Copy, Debug)]
enum Spoil {
    Fails,
    Panics,
    TakesTheEvent,
    ReplacesTheResult,
    FailsAround,
    SwallowsAnError,
}

const ALL: [Spoil; 6] = [
    Spoil::Fails,
    Spoil::Panics,
    Spoil::TakesTheEvent,
    Spoil::ReplacesTheResult,
    Spoil::FailsAround,
    Spoil::SwallowsAnError,
];

#[async_trait]
impl Hook for Spoil {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if ctx.path() != "users" {
            return Ok(());
        }
        match self {
            Self::Fails | Self::SwallowsAnError => return Err(Error::general("the hook fails")),
            Self::Panics => panic!("the hook panics"),
            Self::TakesTheEvent => ctx.event = None,
            Self::ReplacesTheResult => ctx.result = Some(json!({ "ok": true }).into()),
            Self::FailsAround => {}
        }
        Ok(())
    }
}

#[async_trait]
impl AroundHook for Spoil {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        next.run(ctx).await?;
        if ctx.path() == "users" { Err(Error::general("the hook fails")) } else { Ok(()) }
    }
}

async fn spoiled(spoil: Spoil) -> World {
    World::start(config(), move |app| {
        let on = ["update", "patch", "remove"];
        match spoil {
            Spoil::FailsAround => {
                app.around(on, spoil);
            }
            Spoil::SwallowsAnError => {
                app.after(on, spoil).error(on, async |ctx: &mut Context| {
                    ctx.error = None;
                    Ok(())
                });
            }
            _ => {
                app.after(on, spoil);
            }
        }
        app.before(["patch", "remove"], async |ctx: &mut Context| {
            let mut options = feathers::store::CrudOptions::default();
            options.multi = Some(feathers::store::Multi::All);
            ctx.params.insert(options);
            Ok(())
        });
    })
    .await
}

/// Waits until the connections of a user have ended.
async fn until_out(auth: &Auth, id: i64, name: &str) {
    tokio::time::timeout(PATIENCE, async {
        while !auth.connections(id).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{name}: the connections live on"));
}

#[tokio::test]
async fn s5_a_revocation_follows_the_store_and_not_the_event() {
    let whole = json!({ "email": email("bob"), "password": "battery staple" });
    let password = json!({ "password": "battery staple" });
    for spoil in ALL {
        for (method, path, body) in [
            ("PATCH", "/users/2", &password),
            ("PATCH", "/users/2?$select[]=email", &password),
            ("PATCH", "/users?role=none&$select[]=email", &password),
            ("PUT", "/users/2", &whole),
            ("DELETE", "/users/2", &json!(null)),
            ("DELETE", "/users/2?$select[]=email", &json!(null)),
            ("DELETE", "/users?role=none", &json!(null)),
        ] {
            let name = format!("{spoil:?} {method} {path}");
            let world = spoiled(spoil).await;
            world.handle().service("users").unwrap().patch(Id::from(BOB), json!({ "role": "none" }), ()).await.ok();
            let token = world.login("bob").await;
            let _bob = listening(&world, crate::client::Way::WebSocket, &token).await;
            let ada = world.login("ada").await;
            let _answer = world.ask(method, path, &[], &body.to_string()).await;
            until_out(&world.auth, BOB, &name).await;
            assert_eq!(world.status_of(&token).await, 401, "{name}");
            assert_eq!(world.status_of(&ada).await, 200, "{name}");
        }
    }
}

#[tokio::test]
async fn s5_a_role_follows_the_store_and_not_the_event() {
    for spoil in ALL {
        for (path, inside) in [("/users/1", false), ("/users/1?$select[]=email", false), ("", true)] {
            let name = format!("{spoil:?} {path}");
            let world = spoiled(spoil).await;
            let token = world.login("ada").await;
            let _ada = listening(&world, crate::client::Way::WebSocket, &token).await;
            let role = json!({ "role": "guest" });
            if inside {
                let users = world.handle().service("users").unwrap();
                let _ = users.patch(Id::from(ADA), role, ()).await;
            } else {
                world.ask("PATCH", path, &[], &role.to_string()).await;
            }
            until_out(&world.auth, ADA, &name).await;
            assert_eq!(world.status_of(&token).await, 200, "{name}: the token of a user with another role is valid");
        }
    }
}

#[tokio::test]
async fn s5_a_call_whose_caller_has_gone_revokes_as_well() {
    let arrived = Arc::new(Semaphore::new(0));
    let go_on = Arc::new(Semaphore::new(0));
    let gates = (arrived.clone(), go_on.clone());
    let world = World::start(config(), move |app| {
        app.before(
            "remove",
            hook::with_state(gates, async |(arrived, go_on): &(Arc<Semaphore>, Arc<Semaphore>), _: &mut Context| {
                arrived.add_permits(1);
                go_on.acquire().await.unwrap().forget();
                Ok(())
            }),
        );
        app.after("remove", Spoil::Fails);
    })
    .await;
    let token = world.login("bob").await;
    let _bob: Client = listening(&world, crate::client::Way::WebSocket, &token).await;
    let users = world.handle().service("users").unwrap();
    let call = tokio::spawn(async move { users.remove(Id::from(BOB), ()).await });
    arrived.acquire().await.unwrap().forget();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    go_on.add_permits(1);
    until_out(&world.auth, BOB, "in the background").await;
    assert_eq!(world.status_of(&token).await, 401);
}

#[tokio::test]
async fn s5_users_of_a_nested_app_and_hashes_of_ones_own_are_noticed_too() {
    let mut config = config();
    "api/users".clone_into(&mut config.service);
    let mut inner = App::new();
    // A hook of one's own, instead of `hash_password`.
    inner.service("users", Memory::<User>::new()).before(["create", "patch"], async |ctx: &mut Context| {
        let passwords = ctx.app().get::<Auth>().unwrap().passwords()?.clone();
        if let Some(password) = ctx.data.value()?["password"].as_str().map(str::to_owned) {
            ctx.data.object_mut()?["password"] = passwords.hash(&password).await?.into();
        }
        Ok(())
    });
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new()).events(["ticked"]).publish(|_, app| app.channel("members"));
    app.service("secrets", Memory::<Document>::new()).before("all", authenticate("jwt"));
    app.nest("api", inner);
    app.on_login(|login, app| {
        if let Some(connection) = login.connection() {
            app.channel("members").join(connection);
        }
    });
    let auth = Authentication::new(config).jwt().local("email").install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    let users = world.handle().service("api/users").unwrap();
    for change in [json!({ "password": "battery staple" }), json!({ "role": "guest" }), json!(null)] {
        let bob = users.create(json!({ "email": email("bob"), "password": PASSWORD }), ()).await.unwrap();
        let id = bob.value().unwrap()["id"].as_i64().unwrap();
        let token = world.login("bob").await;
        let _bob = listening(&world, crate::client::Way::WebSocket, &token).await;
        if change.is_null() {
            users.remove(Id::from(id), ()).await.unwrap();
        } else {
            users.patch(Id::from(id), change.clone(), ()).await.unwrap();
        }
        until_out(&world.auth, id, &change.to_string()).await;
        let _ = users.remove(Id::from(id), ()).await;
    }
}
