//! Events of services with access rules: who is told what, live and after a cut.

mod model;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use feathers_core::{App, Delivery, Descriptor, Method, Payload, Request, ResetReason, Result, Service, async_trait};
use serde_json::{Value, json};

use self::support::{Client, World, tickets};

async fn world() -> World {
    World::start(|app| {
        tickets(app);
    })
    .await
}

#[tokio::test]
async fn an_event_goes_to_those_who_may_read_the_record_and_to_no_other() {
    let world = world().await;
    let (mut ann, mut bob, mut agent) =
        (world.client("ann").await, world.client("bob").await, world.client("agent").await);
    let (mut stranger, mut anyone) = (world.client("stranger").await, world.anonymous().await);
    world.create(json!({ "id": 1, "owner": 1, "org": 1, "text": "a" })).await;
    assert_eq!(ann.seen(), [r#"created {"id":1,"org":1,"owner":1,"text":"a"}"#]);
    assert_eq!(agent.seen(), [r#"created {"id":1,"org":1,"owner":1,"text":"a"}"#]);
    assert!(bob.seen().is_empty() && stranger.seen().is_empty() && anyone.seen().is_empty());
    world.create(json!({ "id": 2, "owner": 2, "org": 1, "published": true })).await;
    assert_eq!(anyone.seen(), [r#"created {"id":2,"org":1,"owner":2,"published":true}"#]);
    assert_eq!(bob.seen().len(), 1);
    world.remove(1).await;
    assert_eq!(ann.seen(), [r#"removed {"id":1,"org":1,"owner":1,"text":"a"}"#]);
    assert!(bob.seen().is_empty() && anyone.seen().is_empty());
}

#[tokio::test]
async fn a_record_that_comes_into_sight_is_created_and_one_that_leaves_is_removed_with_its_id_alone() {
    let world = world().await;
    let (mut ann, mut bob, mut agent) =
        (world.client("ann").await, world.client("bob").await, world.client("agent").await);
    world.create(json!({ "id": 1, "owner": 1, "org": 1, "text": "a" })).await;
    ann.seen();
    agent.seen();
    world.patch(1, json!({ "owner": 2 })).await;
    assert_eq!(ann.seen(), [r#"removed {"id":1}"#]);
    assert_eq!(bob.seen(), [r#"created {"id":1,"org":1,"owner":2,"text":"a"}"#]);
    assert_eq!(agent.seen(), [r#"patched {"id":1,"org":1,"owner":2,"text":"a"}"#]);
    // Out of the sight of all but the new owner.
    world.patch(1, json!({ "org": 2 })).await;
    assert_eq!((ann.seen().len(), agent.seen()), (0, vec![r#"removed {"id":1}"#.to_owned()]));
    assert_eq!(bob.seen(), [r#"patched {"id":1,"org":2,"owner":2,"text":"a"}"#]);
    world.update(1, json!({ "owner": 1, "org": 1, "text": "b" })).await;
    assert_eq!(bob.seen(), [r#"removed {"id":1}"#]);
    assert_eq!(ann.seen(), [r#"created {"id":1,"org":1,"owner":1,"text":"b"}"#]);
}

#[tokio::test]
async fn fields_with_rules_are_missing_in_events_and_their_changes_are_out_of_sight() {
    let world = world().await;
    let (mut ann, mut agent) = (world.client("ann").await, world.client("agent").await);
    world.create(json!({ "id": 1, "owner": 1, "org": 1, "cost": 5 })).await;
    assert_eq!(ann.seen(), [r#"created {"id":1,"org":1,"owner":1}"#]);
    assert_eq!(agent.seen(), [r#"created {"cost":5,"id":1,"org":1,"owner":1}"#]);
    world.patch(1, json!({ "cost": 6 })).await;
    assert!(ann.seen().is_empty(), "a change of what is not seen says nothing");
    assert_eq!(agent.seen(), [r#"patched {"cost":6,"id":1,"org":1,"owner":1}"#]);
    world.patch(1, json!({ "cost": 7, "text": "a" })).await;
    assert_eq!(ann.seen(), [r#"patched {"id":1,"org":1,"owner":1,"text":"a"}"#]);
    // As in Feathers, a patch that changes nothing is told.
    world.patch(1, json!({ "text": "a" })).await;
    assert_eq!((ann.seen().len(), agent.seen().len()), (1, 2));
}

#[tokio::test]
async fn a_publisher_chooses_among_those_who_may_read() {
    let world = World::start(|app| {
        tickets(app).publish(|_, app| app.channel("room"));
    })
    .await;
    let (mut ann, mut bob, mut agent) =
        (world.client("ann").await, world.client("bob").await, world.client("agent").await);
    for client in [&ann, &bob] {
        world.app.channel("room").join(client.connection());
    }
    world.create(json!({ "id": 1, "owner": 1, "org": 1, "cost": 5 })).await;
    assert_eq!(ann.seen(), [r#"created {"id":1,"org":1,"owner":1}"#]);
    assert!(bob.seen().is_empty(), "a channel gives no right");
    assert!(agent.seen().is_empty(), "a right is no channel");
    // What a publisher sends instead is masked too.
    let world = World::start(|app| {
        tickets(app).publish(|_, app| app.channel("room").send(json!({ "id": 1, "cost": 5, "note": "own" })));
    })
    .await;
    let mut ann = world.client("ann").await;
    world.app.channel("room").join(ann.connection());
    world.create(json!({ "id": 1, "owner": 1, "org": 1, "cost": 5 })).await;
    assert_eq!(ann.seen(), [r#"created {"id":1,"note":"own"}"#]);
}

#[tokio::test]
async fn a_custom_event_needs_a_publisher_and_a_right_and_a_record_in_it_has_its_rule() {
    let world = world().await;
    let mut ann = world.client("ann").await;
    let tickets_service = || world.app.service("tickets").unwrap();
    tickets_service().emit("ringing", json!({ "by": 1 }));
    assert!(ann.seen().is_empty(), "without a publisher nobody is told");
    let world = World::start(|app| {
        tickets(app).publish(|_, app| app.channel("room"));
    })
    .await;
    let (mut ann, mut bob, mut stranger) =
        (world.client("ann").await, world.client("bob").await, world.client("stranger").await);
    for client in [&ann, &bob, &stranger] {
        world.app.channel("room").join(client.connection());
    }
    let service = world.app.service("tickets").unwrap();
    service.emit("ringing", json!({ "by": 1, "cost": 3 }));
    assert_eq!(
        (ann.seen(), bob.seen()),
        (vec![r#"ringing {"by":1}"#.to_owned()], vec![r#"ringing {"by":1}"#.to_owned()])
    );
    service.emit("ringing", json!({ "id": 1, "owner": 1 }));
    assert_eq!((ann.seen().len(), bob.seen().len(), stranger.seen().len()), (1, 0, 0));
    // A standard event by hand is one of the record in it.
    service.emit("patched", json!({ "id": 1, "owner": 2 }));
    assert_eq!((ann.seen().len(), bob.seen().len(), stranger.seen().len()), (0, 1, 0));
    service.emit("removed", json!({ "id": 1, "owner": 2 }));
    assert_eq!(
        (ann.seen().len(), bob.seen(), stranger.seen().len()),
        (0, vec![r#"removed {"id":1,"owner":2}"#.to_owned()], 0)
    );
}

#[tokio::test]
async fn each_record_of_a_list_has_its_own_readers() {
    let world = World::start(|app| {
        tickets(app).after("patch", async |ctx: &mut feathers_core::Context| {
            // The order of the answers is not that of the store.
            if let Some(result) = &mut ctx.result
                && let Some(items) = result.value_mut()?.as_array_mut()
            {
                items.reverse();
            }
            Ok(())
        });
    })
    .await;
    let (mut ann, mut bob) = (world.client("ann").await, world.client("bob").await);
    world.create(json!([{ "id": 1, "owner": 1, "org": 1 }, { "id": 2, "owner": 2, "org": 1 }])).await;
    assert_eq!(ann.seen(), [r#"created {"id":1,"org":1,"owner":1}"#]);
    assert_eq!(bob.seen(), [r#"created {"id":2,"org":1,"owner":2}"#]);
    world.patch_all(json!({ "text": "a" })).await;
    assert_eq!(ann.seen(), [r#"patched {"id":1,"org":1,"owner":1,"text":"a"}"#]);
    assert_eq!(bob.seen(), [r#"patched {"id":2,"org":1,"owner":2,"text":"a"}"#]);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_would_have_got() {
    let world = world().await;
    let mut ann = world.client("ann").await;
    world.create(json!({ "id": 1, "owner": 1, "org": 1, "cost": 1, "text": "a" })).await;
    ann.seen();
    let cursor = ann.cursor();
    // The last of its group: nobody is there who could read it.
    drop(ann);
    world.create(json!({ "id": 2, "owner": 2, "org": 1 })).await;
    world.patch(1, json!({ "cost": 2 })).await;
    world.patch(1, json!({ "text": "b" })).await;
    world.patch(1, json!({ "owner": 2 })).await;
    world.patch(2, json!({ "owner": 1 })).await;
    let mut ann = world.client_since("ann", cursor).await;
    assert_eq!(
        ann.seen(),
        [
            r#"patched {"id":1,"org":1,"owner":1,"text":"b"}"#,
            r#"removed {"id":1}"#,
            r#"created {"id":2,"org":1,"owner":1}"#,
        ]
    );
}

#[tokio::test]
async fn what_a_subject_had_no_right_to_is_not_replayed() {
    let world = world().await;
    let before = world.app.log().head();
    world.create(json!({ "id": 1, "owner": 1, "org": 1 })).await;
    // The process has not seen this user: the client may have read a list, or not.
    let mut ann = world.client_since("ann", before).await;
    assert_eq!(ann.seen(), ["reset principal"]);
    // Nothing that is for it has come since: its lists are true.
    let here = world.app.log().head();
    world.create(json!({ "id": 2, "owner": 1, "org": 1 })).await;
    let mut bob = world.client_since("bob", here).await;
    assert!(bob.seen().is_empty());
}

#[tokio::test]
async fn rights_that_have_changed_reconnect_the_client_and_reset_it_once() {
    let world = world().await;
    let mut ann = world.client("ann").await;
    world.create(json!({ "id": 1, "owner": 1, "org": 1 })).await;
    ann.seen();
    // What the rules do not look at changes nothing.
    world.set_user("ann", json!({ "id": 1, "org": 1, "role": "customer", "name": "Ann" }));
    assert!(!ann.connection().is_closed());
    let cursor = ann.cursor();
    world.set_user("ann", json!({ "id": 1, "org": 1, "role": "agent" }));
    assert!(ann.connection().is_closed());
    world.patch(1, json!({ "text": "a" })).await;
    assert!(ann.seen().is_empty(), "a connection that has ended reads nothing");
    drop(ann);
    let mut ann = world.client_since("ann", cursor).await;
    assert_eq!(ann.seen(), ["reset principal"]);
    world.create(json!({ "id": 2, "owner": 2, "org": 1 })).await;
    assert_eq!(ann.seen().len(), 1);
    let cursor = ann.cursor();
    drop(ann);
    world.create(json!({ "id": 3, "owner": 2, "org": 1 })).await;
    let mut ann = world.client_since("ann", cursor).await;
    assert_eq!(ann.seen(), [r#"created {"id":3,"org":1,"owner":2}"#]);
}

#[tokio::test]
async fn rights_that_change_while_nobody_is_there_reset_the_client() {
    let world = world().await;
    let customer = json!({ "id": 1, "org": 1, "role": "customer" });
    let agent = json!({ "id": 1, "org": 1, "role": "agent" });
    for and_back in [false, true] {
        world.set_user("ann", customer.clone());
        let ann = world.client("ann").await;
        let cursor = ann.cursor();
        drop(ann);
        world.set_user("ann", agent.clone());
        if and_back {
            world.set_user("ann", customer.clone());
        }
        // Even where no event came since: the lists differ.
        let mut ann = world.client_since("ann", cursor).await;
        assert_eq!(ann.seen(), ["reset principal"]);
        let cursor = ann.cursor();
        drop(ann);
        assert!(world.client_since("ann", cursor).await.seen().is_empty(), "once");
    }
}

#[tokio::test]
async fn a_rule_that_panics_gives_no_right() {
    let world = world().await;
    let mut broken = world.client("broken").await;
    world.create(json!({ "id": 1, "owner": 9, "org": 1, "published": true })).await;
    assert!(broken.seen().is_empty());
}

#[tokio::test]
async fn a_login_and_a_logout_change_what_a_connection_reads() {
    let world = world().await;
    let mut client = world.anonymous().await;
    world.create(json!({ "id": 1, "owner": 1, "org": 1 })).await;
    assert!(client.seen().is_empty());
    client.log_in("ann").await;
    world.patch(1, json!({ "text": "a" })).await;
    assert_eq!(client.seen().len(), 1);
    client.log_in("bob").await;
    world.patch(1, json!({ "text": "b" })).await;
    assert!(client.seen().is_empty());
    client.log_in("ann").await;
    client.log_out().await;
    world.patch(1, json!({ "text": "c" })).await;
    assert!(client.seen().is_empty());
    world.create(json!({ "id": 2, "published": true })).await;
    assert_eq!(client.seen().len(), 1);
}

#[tokio::test]
async fn groups_are_no_channels_that_an_app_sees_or_can_name() {
    let world = world().await;
    let (mut ann, bob) = (world.client("ann").await, world.client("bob").await);
    assert!(ann.connection().channels().is_empty() && world.app.channels().is_empty());
    ann.connection().leave_all();
    let audience = ann.connection().audience();
    assert_eq!(audience.len(), 1);
    for name in &audience {
        world.app.channel(&**name).join(bob.connection());
    }
    assert!(!bob.connection().audience().contains(&audience[0]));
    let mut follower = world.app.log().follow();
    world.create(json!({ "id": 1, "owner": 1, "org": 1 })).await;
    assert_eq!(ann.seen().len(), 1, "leaving all channels leaves no right");
    let Some(feathers_core::LogItem::Event(event)) = follower.try_next() else { panic!("there is an event") };
    assert!(event.for_audience(&audience).is_some());
    assert!(event.for_audience(&bob.connection().audience()).is_none());
    assert!(event.for_connection(bob.connection()).is_none());
    assert!(event.for_audience(&[]).is_none());
    // They go with their last member.
    drop(ann);
    assert!(matches!(event.for_audience(&audience), Some(feathers_core::ForAudience::Each)));
}

/// A service without a store.
struct Handmade;

#[async_trait]
impl Service for Handmade {
    type Record = feathers_core::Document;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD)
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        Ok(request.data)
    }
}

#[tokio::test]
async fn without_a_store_the_event_itself_is_the_record() {
    let world = World::start(|app| {
        app.service("tickets", Handmade).access(support::rules());
    })
    .await;
    let (mut ann, mut bob) = (world.client("ann").await, world.client("bob").await);
    let service = world.app.service("tickets").unwrap();
    service.create(json!({ "id": 1, "owner": 1 }), ()).await.unwrap();
    service.patch(Some(1.into()), json!({ "id": 1, "owner": 2 }), ()).await.unwrap();
    assert_eq!(ann.seen(), [r#"created {"id":1,"owner":1}"#]);
    assert_eq!(bob.seen(), [r#"patched {"id":1,"owner":2}"#]);
}

#[tokio::test]
async fn a_rule_that_depends_on_another_service_is_asked_again_when_that_changes() {
    let (rules, members) = support::rules_of_members();
    let world = World::start(|app| {
        app.service("members", feathers_core::Memory::<feathers_core::Document>::new());
        app.service("tickets", feathers_core::Memory::<feathers_core::Document>::new()).access(rules);
        app.on_write("members", move |write, _| members.note(write.data.value().unwrap()));
    })
    .await;
    let (ann, bob, mut anyone) = (world.client("ann").await, world.client("bob").await, world.anonymous().await);
    let away = world.client("agent").await;
    let (cursor, absent) = (ann.cursor(), away.cursor());
    drop(away);
    world.app.service("members").unwrap().create(json!({ "user": 1, "org": 1 }), ()).await.unwrap();
    assert!(ann.connection().is_closed() && !bob.connection().is_closed() && !anyone.connection().is_closed());
    drop(ann);
    let mut ann = world.client_since("ann", cursor).await;
    assert_eq!(ann.seen(), ["reset principal"]);
    world.create(json!({ "id": 1, "owner": 5, "org": 1 })).await;
    assert_eq!((ann.seen().len(), anyone.seen().len()), (1, 0));
    // Nobody has asked the rules for one who is away.
    assert_eq!(world.client_since("agent", absent).await.seen(), ["reset principal"]);
    let mut app = App::new();
    app.service("tickets", feathers_core::Memory::<feathers_core::Document>::new())
        .access(support::rules_of_members().0);
    let error = app.start().await.unwrap_err().to_string();
    assert!(error.contains("'tickets' depend on 'members'"), "{error}");
}

#[tokio::test]
async fn a_shared_log_and_rules_are_refused_at_the_start() {
    let mut app = App::new();
    tickets(&mut app);
    app.event_log(feathers_testing::SharedLog::new());
    let error = app.start().await.unwrap_err().to_string();
    assert!(error.contains("'tickets'") && error.contains("App::event_log"), "{error}");
}

#[tokio::test]
async fn one_rule_reads_the_events_of_a_service_that_is_mounted_later() {
    let world = World::start(|_| {}).await;
    let mut ann = world.client("ann").await;
    world.app.channel("any").join(ann.connection());
    let mount = feathers_core::IntoMount::into_mount(feathers_core::Memory::<feathers_core::Document>::new());
    let mut mount: feathers_core::Mount<feathers_core::Document> = mount;
    mount.access(support::rules());
    world.app.mount("tickets", mount).await.unwrap();
    world.create(json!({ "id": 1, "owner": 1, "org": 1 })).await;
    assert_eq!(ann.seen().len(), 1);
}

#[tokio::test]
async fn ten_thousand_rule_values_are_ten_thousand_groups_and_one_is_told() {
    let world = world().await;
    let mut clients: Vec<Client> = Vec::new();
    for number in 100..1_300 {
        let name: Arc<str> = format!("user {number}").into();
        world.set_user(&name, json!({ "id": number, "org": 5, "role": "customer" }));
        clients.push(world.client(&name).await);
    }
    world.create(json!({ "id": 1, "owner": 700, "org": 1 })).await;
    world.patch(1, json!({ "owner": 701 })).await;
    for (number, client) in (100..).zip(&mut clients) {
        let seen = client.seen();
        let expected = match number {
            700 => vec![r#"created {"id":1,"org":1,"owner":700}"#, r#"removed {"id":1}"#],
            701 => vec![r#"created {"id":1,"org":1,"owner":701}"#],
            _ => vec![],
        };
        assert_eq!(seen, expected, "user {number}");
    }
    // So many are not told apart behind a proxy: each asks for itself.
    let audience = clients[0].connection().audience();
    assert_eq!(audience, clients[1].connection().audience());
    let mut follower = world.app.log().follow();
    world.patch(1, json!({ "text": "a" })).await;
    let Some(feathers_core::LogItem::Event(event)) = follower.try_next() else { panic!("there is an event") };
    assert!(event.audiences().contains(&audience[0]));
    assert!(matches!(event.for_audience(&audience), Some(feathers_core::ForAudience::Each)));
}

/// What a delivery is, without its cursor.
fn show(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Event(event) => {
            // In the order of the names.
            let data: BTreeMap<String, Value> = serde_json::from_slice(event.json()).unwrap();
            format!("{} {}", event.name(), serde_json::to_string(&data).unwrap())
        }
        Delivery::Reset(reset) => format!("reset {}", ResetReason::name(reset.reason)),
        other => format!("{other:?}"),
    }
}
