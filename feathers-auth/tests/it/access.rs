//! Access rules with logins: the rules verify the caller themselves, and a hook may still want certain strategies.

use feathers::app::Access;
use feathers::prelude::*;
use feathers::query::TypedField;

use crate::support::{ADA, BOB, World, config};

const OWNER: TypedField<feathers::Document, i64> = TypedField::new("owner");

/// What the rules need of a user.
#[derive(Debug, Deserialize)]
struct Known {
    id: i64,
    role: Option<String>,
}

fn rules() -> Access<feathers::Document, Known> {
    Access::of::<Known>()
        .read(|user| OWNER.eq(user.id) | (user.role.as_deref() == Some("admin")).into())
        .patch(|user| OWNER.eq(user.id))
}

async fn world() -> World {
    let world = World::start(config(), |app| {
        app.service("things", Memory::<feathers::Document>::new()).access(rules());
        app.service("local", Memory::<feathers::Document>::new()).before("all", authenticate("local")).access(rules());
        app.service("jwt", Memory::<feathers::Document>::new()).before("all", authenticate("jwt")).access(rules());
    })
    .await;
    for path in ["things", "local", "jwt"] {
        for owner in [ADA, BOB] {
            world.handle().service(path).unwrap().create(json!({ "owner": owner }), ()).await.unwrap();
        }
    }
    world
}

#[tokio::test]
async fn rules_verify_the_caller_without_a_hook() {
    let world = world().await;
    assert_eq!(world.ask("GET", "/things", &[], "").await.status, 401);
    assert_eq!(world.ask_as("no token", "GET", "/things", "").await.status, 401);
    let (ada, bob) = (world.login("ada").await, world.login("bob").await);
    let owners = async |token: &str, path: &str| {
        let answer = world.ask_as(token, "GET", path, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json().as_array().unwrap().iter().map(|thing| thing["owner"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(owners(&bob, "/things").await, [BOB]);
    assert_eq!(owners(&ada, "/things").await, [ADA, BOB]);
    assert_eq!(world.ask_as(&bob, "GET", "/things/1", "").await.status, 404);
    assert_eq!(world.ask_as(&ada, "PATCH", "/things/2", "{}").await.status, 403);
    assert_eq!(world.ask_as(&bob, "DELETE", "/things/2", "").await.status, 403);
    // The rights are those of now.
    world.patch(BOB, json!({ "role": "admin" })).await;
    assert_eq!(owners(&bob, "/things").await, [ADA, BOB]);
    // A user who may not log in any more has none, as behind the hook.
    world.patch(BOB, json!({ "banned": true })).await;
    let (banned, hook) =
        (world.ask_as(&bob, "GET", "/things", "").await, world.ask_as(&bob, "GET", "/secrets", "").await);
    assert_eq!((banned.status, hook.status), (403, 403));
    assert_eq!(owners(&ada, "/jwt").await, [ADA, BOB]);
}

#[tokio::test]
async fn a_hook_that_wants_another_strategy_is_not_passed_by_what_the_rules_have_verified() {
    let world = world().await;
    let ada = world.login("ada").await;
    assert_eq!(world.ask_as(&ada, "GET", "/jwt", "").await.status, 200);
    assert_eq!(world.ask_as(&ada, "GET", "/local", "").await.status, 401);
}
