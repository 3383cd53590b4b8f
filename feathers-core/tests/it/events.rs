//! Events, publishers and channels: which connection gets what, in which order, and with which payload.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use feathers_core::{
    App, AppHandle, Context, Delivery, Descriptor, Handshake, Login, Method, Params, Payload, Provider, Publication,
    Request, Result, Service, Session, Subscription, async_trait, hook,
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Returns the data that it gets.
struct Ev;

#[async_trait]
impl Service for Ev {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD).method("custom", "").events(["customEvent"])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        match request.method {
            Method::Find => Ok(json!([{ "a": 1 }]).into()),
            Method::Get | Method::Remove => Ok(json!({ "id": request.id }).into()),
            _ => Ok(request.data),
        }
    }
}

struct Client {
    session: Session,
    events: Subscription,
}

impl Client {
    async fn open(app: &AppHandle) -> Self {
        let session = app.open(Handshake::new(Provider::new("test"))).await.expect("the session opens");
        Self { events: session.subscribe(), session }
    }

    async fn join(app: &AppHandle, channels: &[&str]) -> Self {
        let client = Self::open(app).await;
        app.channel(channels).join(client.session.connection());
        client
    }

    /// Returns what has come, as `"path event data"`.
    fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_next()).map(show).collect()
    }
}

fn show(delivery: Delivery) -> String {
    let Delivery::Event(event) = delivery else { panic!("expected an event") };
    format!("{} {} {}", event.path(), event.name(), event.payload().value().unwrap())
}

async fn app(build: impl FnOnce(&mut App)) -> AppHandle {
    let mut app = App::new();
    build(&mut app);
    app.start().await.unwrap()
}

/// An app with one service whose events go to the channel `everybody`.
async fn plain() -> AppHandle {
    app(|app| {
        app.service("ev", Ev);
        app.publish(|_, app| app.channel("everybody"));
    })
    .await
}

#[tokio::test]
async fn standard_methods_emit_their_events() {
    let app = plain().await;
    let mut client = Client::join(&app, &["everybody"]).await;
    let ev = app.service("ev").unwrap();
    ev.create(json!({ "n": 1 }), ()).await.unwrap();
    ev.create(json!([{ "n": 1 }, { "n": 1 }, { "n": 2 }]), ()).await.unwrap();
    ev.create(json!([]), ()).await.unwrap();
    ev.update(1, json!({ "n": 1 }), ()).await.unwrap();
    ev.patch(Some(1.into()), json!({ "n": 2 }), ()).await.unwrap();
    ev.remove(Some(1.into()), ()).await.unwrap();
    ev.call("custom", json!({}), ()).await.unwrap();
    ev.find(()).await.unwrap();
    ev.get(1, ()).await.unwrap();
    ev.create(Value::Null, ()).await.unwrap();
    assert_eq!(
        client.seen(),
        [
            r#"ev created {"n":1}"#,
            r#"ev created {"n":1}"#,
            r#"ev created {"n":1}"#,
            r#"ev created {"n":2}"#,
            r#"ev updated {"n":1}"#,
            r#"ev patched {"n":2}"#,
            r#"ev removed {"id":1}"#,
            "ev created null",
        ]
    );
}

#[tokio::test]
async fn hooks_change_the_event_and_its_payload() {
    async fn change(ctx: &mut Context) -> Result<()> {
        let query = ctx.params.query.clone();
        if query.contains_key("noevent") {
            ctx.event = None;
        }
        if let Some(event) = query.get("event").and_then(Value::as_str) {
            ctx.event = Some(event.to_owned().into());
        }
        if query.contains_key("dispatch") {
            let mut safe = ctx.result.clone().unwrap();
            match safe.value_mut()? {
                Value::Array(items) => items.iter_mut().for_each(|item| item["safe"] = json!(true)),
                item => item["safe"] = json!(true),
            }
            ctx.dispatch = Some(safe);
        }
        if query.contains_key("emit") {
            ctx.emit("customEvent", json!({ "hello": "custom" }));
        }
        Ok(())
    }

    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = heard.clone();
    let app = app(|app| {
        app.service("ev", Ev).after("all", change).on_event("created", move |publication: &Publication, _| {
            let call = publication.call.as_ref().unwrap();
            listener.lock().unwrap().push(format!("{} {}", call.method, publication.data.value().unwrap()));
        });
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    let mut client = Client::join(&app, &["everybody"]).await;
    let ev = app.service("ev").unwrap();
    let create = async |data: Value, query: Value| {
        ev.create(data, query).await.unwrap();
    };
    create(json!({ "n": 1 }), json!({ "dispatch": 1 })).await;
    create(json!([{ "n": 1 }, { "n": 2 }]), json!({ "dispatch": 1 })).await;
    create(json!({ "n": 3 }), json!({ "noevent": 1 })).await;
    create(json!({ "n": 4 }), json!({ "event": "renamed" })).await;
    create(json!({ "n": 5 }), json!({ "event": "patched" })).await;
    create(json!({ "n": 6 }), json!({ "event": "customEvent" })).await;
    ev.call("custom", json!({ "n": 7 }), json!({ "event": "created" })).await.unwrap();
    create(json!({ "n": 8 }), json!({ "emit": 1 })).await;
    assert_eq!(
        client.seen(),
        [
            r#"ev created {"n":1,"safe":true}"#,
            r#"ev created {"n":1,"safe":true}"#,
            r#"ev created {"n":2,"safe":true}"#,
            r#"ev patched {"n":5}"#,
            r#"ev created {"n":7}"#,
            // The slot of the change is reserved when the method returns, which is before the hook that emits.
            r#"ev created {"n":8}"#,
            r#"ev customEvent {"hello":"custom"}"#,
        ]
    );
    // Listeners on the server see the result, not the dispatch.
    assert_eq!(
        *heard.lock().unwrap(),
        [r#"create {"n":1}"#, r#"create {"n":1}"#, r#"create {"n":2}"#, r#"custom {"n":7}"#, r#"create {"n":8}"#,]
    );
}

#[tokio::test]
async fn the_narrowest_publisher_decides() {
    let app = app(|app| {
        app.publish(|_, app| app.channel("app"));
        app.publish_event("removed", |_, app: &AppHandle| app.channel("app removed"));
        app.service("a", Ev)
            .publish(|_, app| app.channel("service"))
            .publish_event("created", |_, app: &AppHandle| app.channel("service created"))
            .publish_event("patched", |_, _: &AppHandle| ());
        app.service("b", Ev);
    })
    .await;
    let mut client = Client::join(&app, &["app", "app removed", "service", "service created"]).await;
    let mut only = Client::join(&app, &["service"]).await;
    for path in ["a", "b"] {
        let service = app.service(path).unwrap();
        service.create(json!(1), ()).await.unwrap();
        service.patch(Some(1.into()), json!(2), ()).await.unwrap();
        service.update(1, json!(3), ()).await.unwrap();
        service.remove(Some(4.into()), ()).await.unwrap();
    }
    assert_eq!(
        client.seen(),
        [
            "a created 1",
            "a updated 3",
            r#"a removed {"id":4}"#,
            "b created 1",
            "b patched 2",
            "b updated 3",
            r#"b removed {"id":4}"#,
        ]
    );
    assert_eq!(only.seen(), ["a updated 3", r#"a removed {"id":4}"#]);
}

#[tokio::test]
async fn one_delivery_per_connection_and_the_first_channel_wins() {
    let app = app(|app| {
        app.service("ev", Ev);
        app.publish(|_, app: &AppHandle| {
            vec![
                Some(app.channel("none").send(json!("nobody"))),
                None,
                Some(app.channel("a").send(json!("for a"))),
                Some(app.channel(["a", "b", "c"])),
                Some(app.channel("c").send(json!("too late"))),
            ]
        });
    })
    .await;
    let mut in_a = Client::join(&app, &["a", "b"]).await;
    let mut in_c = Client::join(&app, &["c"]).await;
    let mut out = Client::open(&app).await;
    app.service("ev").unwrap().create(json!("own"), ()).await.unwrap();
    assert_eq!(in_a.seen(), [r#"ev created "for a""#]);
    assert_eq!(in_c.seen(), [r#"ev created "own""#]);
    assert!(out.seen().is_empty());
}

#[tokio::test]
async fn filters_decide_for_each_connection() {
    #[derive(Clone, PartialEq)]
    struct User(&'static str);

    let app = app(|app| {
        app.service("ev", Ev);
        app.publish(|publication: &Publication, app: &AppHandle| {
            let to = publication.data.value().unwrap()["to"].as_str().unwrap_or_default().to_owned();
            app.channel("all").filter(move |connection| connection.get::<User>().is_some_and(|user| user.0 == to))
        });
    })
    .await;
    let mut ann = Client::join(&app, &["all"]).await;
    let mut bob = Client::join(&app, &["all"]).await;
    ann.session.connection().insert(User("ann"));
    bob.session.connection().insert(User("bob"));
    app.service("ev").unwrap().create(json!({ "to": "bob" }), ()).await.unwrap();
    assert!(ann.seen().is_empty());
    assert_eq!(bob.seen(), [r#"ev created {"to":"bob"}"#]);
}

#[tokio::test]
async fn channels_exist_from_the_first_member_to_the_last() {
    let app = plain().await;
    let client = Client::open(&app).await;
    let connection = client.session.connection().clone();
    assert!(app.channels().is_empty());
    let both = app.channel(["a", "b", "a"]);
    assert!(app.channels().is_empty(), "a mention makes none");
    both.join(&connection);
    assert_eq!(app.channels(), ["a".into(), "b".into()]);
    both.join(&connection);
    assert_eq!((both.len(), app.channel("a").len()), (1, 1));
    app.channel("a").leave(&connection);
    assert_eq!(app.channels(), ["b".into()]);
    app.channel("b").leave_if(|one| *one == connection);
    assert!(app.channels().is_empty());
    // A channel that the caller has kept works again after it was emptied.
    both.join(&connection);
    assert_eq!(app.channel("b").connections(), [connection]);
    drop(client);
    assert!(app.channels().is_empty());
    assert_eq!(app.connections(), 0);
}

#[tokio::test]
async fn membership_is_looked_at_when_the_event_is_read() {
    let app = plain().await;
    let mut leaver = Client::join(&app, &["everybody"]).await;
    let mut joiner = Client::open(&app).await;
    let ev = app.service("ev").unwrap();
    ev.create(json!(1), ()).await.unwrap();
    app.channel("everybody").leave(leaver.session.connection());
    app.channel("everybody").join(joiner.session.connection());
    ev.create(json!(2), ()).await.unwrap();
    assert!(leaver.seen().is_empty());
    assert_eq!(joiner.seen(), ["ev created 2"]);
}

#[tokio::test]
async fn connect_and_disconnect_listeners_run() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (on, off) = (log.clone(), log.clone());
    let app = app(|app| {
        app.on_connect(|connection, app| app.channel("everybody").join(connection));
        app.on_connect_async(move |connection, app| {
            let on = on.clone();
            async move {
                tokio::task::yield_now().await;
                on.lock().unwrap().push(format!(
                    "connect {} {}",
                    connection.provider(),
                    app.channel("everybody").len()
                ));
            }
        });
        app.on_disconnect(move |_, app| {
            off.lock().unwrap().push(format!("disconnect {}", app.channel("everybody").len()));
        });
    })
    .await;
    let client = Client::open(&app).await;
    drop(client);
    assert_eq!(*log.lock().unwrap(), ["connect test 1", "disconnect 0"]);
}

#[tokio::test]
async fn the_server_can_end_a_connection() {
    let app = plain().await;
    let mut client = Client::join(&app, &["everybody"]).await;
    app.service("ev").unwrap().create(json!({ "n": 1 }), ()).await.unwrap();
    client.session.connection().disconnect();
    // Nothing more comes, not even events that wait already.
    app.service("ev").unwrap().create(json!({ "n": 2 }), ()).await.unwrap();
    assert!(client.events.try_next().is_none());
    assert!(client.events.next().await.is_none());
    app.channel("everybody").join(client.session.connection());
    app.channel("everybody").leave(client.session.connection());
    assert!(app.channels().is_empty());
}

#[tokio::test]
async fn logout_leaves_channels_before_listeners_run() {
    let app = app(|app| {
        app.on_login(|login, app| app.channel("authenticated").join(login.connection().unwrap()));
        app.on_logout(|login, app| app.channel("anonymous").join(login.connection().unwrap()));
    })
    .await;
    let client = Client::open(&app).await;
    let params = client.session.params();
    app.login(&Login::new(json!({}), params.clone())).await;
    assert_eq!(client.session.connection().channels(), ["authenticated".into()]);
    app.logout(&Login::new(json!({}), params.clone())).await;
    assert_eq!(client.session.connection().channels(), ["anonymous".into()]);
}

/// Returns a client after two calls, `slow` and then `ev`; the publisher of the first waits for the gate.
async fn behind_a_gate() -> (Client, Arc<Notify>) {
    let gate = Arc::new(Notify::new());
    let wait = gate.clone();
    let app = app(|app| {
        app.service("slow", Ev).publish_async(move |_, app| {
            let wait = wait.clone();
            async move {
                wait.notified().await;
                app.channel("everybody")
            }
        });
        app.service("ev", Ev);
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    let client = Client::join(&app, &["everybody"]).await;
    app.service("slow").unwrap().create(json!(1), ()).await.unwrap();
    app.service("ev").unwrap().create(json!(2), ()).await.unwrap();
    (client, gate)
}

#[tokio::test]
async fn a_slow_publisher_holds_up_no_call_and_keeps_its_place() {
    let (mut client, gate) = behind_a_gate().await;
    assert!(client.seen().is_empty(), "nothing overtakes an open slot");
    gate.notify_one();
    assert_eq!(show(client.events.next().await.unwrap()), "slow created 1");
    assert_eq!(show(client.events.next().await.unwrap()), "ev created 2");
}

#[tokio::test]
async fn a_place_that_stays_open_goes_to_the_end() {
    let (mut client, gate) = behind_a_gate().await;
    assert_eq!(show(client.events.next().await.unwrap()), "ev created 2");
    gate.notify_one();
    assert_eq!(show(client.events.next().await.unwrap()), "slow created 1");
}

#[tokio::test]
async fn a_failing_publisher_or_listener_does_not_fail_the_call() {
    let app = app(|app| {
        app.service("ev", Ev)
            .publish(|publication: &Publication, app: &AppHandle| {
                assert_ne!(publication.data.value().unwrap(), &json!(1), "a publisher that panics");
                app.channel("everybody")
            })
            .on_event("created", |publication, _| assert_ne!(publication.data.value().unwrap(), &json!(2)));
    })
    .await;
    let mut client = Client::join(&app, &["everybody"]).await;
    for n in 1..=3 {
        app.service("ev").unwrap().create(json!(n), ()).await.unwrap();
    }
    assert_eq!(client.seen(), ["ev created 2", "ev created 3"]);
}

#[tokio::test]
async fn a_client_that_reads_late_gets_everything_in_order() {
    let app = plain().await;
    let mut client = Client::join(&app, &["everybody"]).await;
    let mut other = Client::join(&app, &["other"]).await;
    let ev = app.service("ev").unwrap();
    for n in 0..5_000 {
        ev.create(json!(n), ()).await.unwrap();
    }
    let expected: Vec<String> = (0..5_000).map(|n| format!("ev created {n}")).collect();
    assert_eq!(client.seen(), expected);
    ev.create(json!("last"), ()).await.unwrap();
    assert_eq!(client.seen(), [r#"ev created "last""#]);
    assert!(other.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_calls_reach_a_reader_once_each_and_in_one_order() {
    let app = plain().await;
    let mut a = Client::join(&app, &["everybody"]).await;
    let mut b = Client::join(&app, &["everybody"]).await;
    let writers = (0..8).map(|writer| {
        let ev = app.service("ev").unwrap();
        tokio::spawn(async move {
            for n in 0..500 {
                ev.create(json!(writer * 1_000 + n), ()).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let seen = a.seen();
    assert_eq!(seen.len(), 4_000);
    assert_eq!(seen, b.seen());
    for writer in 0..8 {
        let own: Vec<&String> = seen.iter().filter(|line| line_number(line) / 1_000 == writer).collect();
        assert!(own.is_sorted_by_key(|line| line_number(line)), "one caller's events are in its order");
    }
}

fn line_number(line: &str) -> u64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn events_of_nested_apps_carry_the_prefix() {
    struct Noted(Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl feathers_core::AroundHook for Noted {
        async fn run(&self, ctx: &mut Context, next: feathers_core::Next<'_>) -> Result<()> {
            self.0.lock().unwrap().push(ctx.path().to_owned());
            next.run(ctx).await
        }
    }

    let log = Arc::new(Mutex::new(Vec::new()));
    let outer = log.clone();
    let app = app(|app| {
        let mut sub = App::new();
        sub.service("a", Ev);
        sub.service("users/:userId/messages", Ev);
        app.nest("/api", sub);
        app.before("all", async |_: &mut Context| Ok(()));
        app.around("all", Noted(outer));
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    let mut client = Client::join(&app, &["everybody"]).await;
    app.service("api/a").unwrap().create(json!(1), ()).await.unwrap();
    app.service("api/users/7/messages").unwrap().create(json!(2), ()).await.unwrap();
    assert_eq!(client.seen(), ["api/a created 1", "api/users/:userId/messages created 2"]);
    assert_eq!(*log.lock().unwrap(), ["api/a", "api/users/:userId/messages"]);
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_is_finished() {
    struct Slow(Arc<Notify>, Arc<Notify>);

    #[async_trait]
    impl Service for Slow {
        type Record = ();

        fn descriptor(&self) -> Descriptor {
            Descriptor::new([Method::Create])
        }

        async fn call(&self, request: Request<'_>) -> Result<Payload> {
            self.0.notify_one();
            self.1.notified().await;
            Ok(request.data)
        }
    }

    let (started, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let service = Slow(started.clone(), go.clone());
    let app = app(|app| {
        app.service("slow", service);
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    let mut client = Client::join(&app, &["everybody"]).await;
    let slow = app.service("slow").unwrap();
    let caller = tokio::spawn(async move { slow.create(json!(1), ()).await });
    started.notified().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go.notify_one();
    assert_eq!(show(client.events.next().await.unwrap()), "slow created 1");
}

/// An app whose events are batched for a millisecond.
async fn gathering() -> (AppHandle, feathers_core::ServiceHandle) {
    let app = app(|app| {
        app.service("ev", Ev);
        app.publish(|publication, app| {
            let room = publication.data.value().ok()?["room"].as_str()?.to_owned();
            Some(app.channel(room))
        });
        app.batch_window(Duration::from_millis(1));
    })
    .await;
    let ev = app.service("ev").unwrap();
    (app, ev)
}

#[tokio::test(start_paused = true)]
async fn gathered_events_come_together_and_in_order() {
    let (app, ev) = gathering().await;
    let mut client = Client::join(&app, &["a", "b"]).await;
    let mut follower = app.log().follow();
    for (number, room) in ["a", "b", "a", "c"].into_iter().enumerate() {
        ev.create(json!({ "room": room, "n": number }), ()).await.unwrap();
    }
    assert!(client.seen().is_empty(), "they wait for more");
    assert!(follower.try_next().is_none(), "a follower of the log gets it no sooner");
    assert_eq!(app.log().head().seq(), 4, "they are in the log all the same");
    let first = client.events.next().await.map(show);
    assert_eq!(first.as_deref(), Some(r#"ev created {"room":"a","n":0}"#));
    assert_eq!(client.seen(), [r#"ev created {"room":"b","n":1}"#, r#"ev created {"room":"a","n":2}"#]);
    assert_eq!(client.events.cursor().seq(), 4);
    assert_eq!(std::iter::from_fn(|| follower.try_next()).count(), 4);

    ev.create(json!({ "room": "a", "n": 5 }), ()).await.unwrap();
    assert_eq!(client.events.next().await.map(show).as_deref(), Some(r#"ev created {"room":"a","n":5}"#));
}

#[tokio::test(start_paused = true)]
async fn what_joins_or_leaves_while_events_are_gathered_hears_what_it_should() {
    let (app, ev) = gathering().await;
    let mut leaves = Client::join(&app, &["a"]).await;
    ev.create(json!({ "room": "a", "n": 1 }), ()).await.unwrap();
    let mut joins = Client::join(&app, &["a"]).await;
    app.channel("a").leave(leaves.session.connection());
    ev.create(json!({ "room": "a", "n": 2 }), ()).await.unwrap();
    assert_eq!(joins.events.next().await.map(show).as_deref(), Some(r#"ev created {"room":"a","n":2}"#));
    assert!(joins.seen().is_empty());
    assert!(leaves.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_announced_and_not_read_goes_with_the_membership() {
    let (app, ev) = gathering().await;
    let mut client = Client::join(&app, &["a", "b"]).await;
    let both = async || {
        for room in ["a", "b"] {
            ev.create(json!({ "room": room }), ()).await.unwrap();
        }
        app.log().flush();
    };
    let (from_a, from_b) = (r#"ev created {"room":"a"}"#, r#"ev created {"room":"b"}"#);
    both().await;
    assert_eq!(client.seen(), [from_a, from_b]);

    both().await;
    app.channel("a").leave(client.session.connection());
    assert_eq!(client.seen(), [from_b]);
    app.channel("a").join(client.session.connection());

    both().await;
    app.channel("a").leave(client.session.connection());
    app.channel("a").join(client.session.connection());
    both().await;
    assert_eq!(client.seen(), [from_b, from_a, from_b], "a new membership begins where it begins");

    both().await;
    client.session.connection().leave_all();
    assert!(client.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_thread_that_cannot_wait_does_not_overtake_those_that_are_gathered() {
    let (app, ev) = gathering().await;
    let mut client = Client::join(&app, &["a"]).await;
    ev.create(json!({ "room": "a", "n": 1 }), ()).await.unwrap();
    assert!(client.seen().is_empty());
    std::thread::spawn(move || ev.emit("created", json!({ "room": "a", "n": 2 }))).join().unwrap();
    assert_eq!(client.seen(), [r#"ev created {"room":"a","n":1}"#, r#"ev created {"room":"a","n":2}"#]);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(client.seen().is_empty(), "nothing comes twice");
}

#[tokio::test(start_paused = true)]
async fn gathered_events_come_before_the_end() {
    let (app, ev) = gathering().await;
    let mut client = Client::join(&app, &["a"]).await;
    ev.create(json!({ "room": "a" }), ()).await.unwrap();
    assert!(client.seen().is_empty());
    app.shutdown(Duration::ZERO).await.unwrap();
    assert_eq!(client.seen(), [r#"ev created {"room":"a"}"#]);
}

#[tokio::test]
async fn events_are_not_gathered_for_long() {
    let mut app = App::new();
    app.batch_window(Duration::from_millis(2));
    let refused = app.start().await.unwrap_err();
    assert_eq!(refused.message(), "events are batched for 1ms at most, and `batch_window` says 2ms");
}

#[tokio::test]
async fn a_channel_that_is_only_published_to_is_freed() {
    let app = app(|app| {
        app.service("ev", Ev);
        app.publish(|publication, app| app.channel(format!("user {}", publication.data.value().unwrap())));
    })
    .await;
    let mut client = Client::join(&app, &["user 7"]).await;
    let ev = app.service("ev").unwrap();
    for n in 0..1_000 {
        ev.create(json!(n), ()).await.unwrap();
    }
    assert_eq!((client.seen(), app.channels()), (vec!["ev created 7".to_owned()], vec!["user 7".into()]));
}

/// Says when it is dropped.
struct Guard(Arc<Mutex<bool>>);

impl Drop for Guard {
    fn drop(&mut self) {
        *self.0.lock().unwrap() = true;
    }
}

#[tokio::test]
async fn a_filter_that_panics_keeps_the_event_from_its_subscriber_and_nothing_else() {
    let app = app(|app| {
        app.service("ev", Ev).publish(|publication, app| {
            let n = publication.data.value().unwrap()["n"].as_u64().unwrap();
            app.channel("everybody")
                .filter(move |connection| n != 1 || connection.get::<u8>().is_none() || panic!("a bug"))
        });
    })
    .await;
    let mut hit = Client::join(&app, &["everybody"]).await;
    hit.session.connection().insert(1_u8);
    let mut other = Client::join(&app, &["everybody"]).await;
    for n in 1..=2 {
        app.service("ev").unwrap().create(json!({ "n": n }), ()).await.unwrap();
    }
    assert_eq!(hit.seen(), [r#"ev created {"n":2}"#]);
    assert_eq!(other.seen(), [r#"ev created {"n":1}"#, r#"ev created {"n":2}"#]);
}

#[tokio::test]
async fn a_disconnect_listener_that_panics_harms_nobody() {
    let app = app(|app| {
        app.on_disconnect(|_, _| panic!("a bug"));
        app.on_disconnect(|_, app| drop(app.service("ev").unwrap()));
        app.service("ev", Ev);
    })
    .await;
    drop(Client::open(&app).await);
    assert_eq!(app.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_waits_is_given_up_after_the_time_of_calls() {
    let dropped = Arc::new(Mutex::new(false));
    let guard = dropped.clone();
    let app = app(|app| {
        app.service("ev", Ev).publish_async(move |publication, app| {
            let guard = Guard(guard.clone());
            async move {
                if publication.data.value().unwrap()["n"] == 1 {
                    std::future::pending::<()>().await;
                }
                drop(guard);
                app.channel("everybody")
            }
        });
    })
    .await;
    app.allow_calls(Duration::from_secs(5));
    let mut client = Client::join(&app, &["everybody"]).await;
    app.service("ev").unwrap().create(json!({ "n": 1 }), ()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert!(!*dropped.lock().unwrap());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(*dropped.lock().unwrap());
    app.service("ev").unwrap().create(json!({ "n": 2 }), ()).await.unwrap();
    assert_eq!(show(client.events.next().await.unwrap()), r#"ev created {"n":2}"#);
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_waits_does_not_outlive_the_time_of_calls_when_the_caller_has_gone() {
    for (phase, stored) in [("before", false), ("after", true)] {
        let dropped = Arc::new(Mutex::new(false));
        let mut app = App::new();
        let waits = hook::with_state(dropped.clone(), async |dropped: &Arc<Mutex<bool>>, _: &mut Context| {
            let _guard = Guard(dropped.clone());
            std::future::pending::<()>().await;
            Ok(())
        });
        let todos = app.service("todos", feathers_core::Memory::<feathers_core::Document>::new());
        if phase == "before" {
            todos.before("create", waits)
        } else {
            todos.after("create", waits)
        };
        let app = app.start().await.unwrap();
        app.allow_calls(Duration::from_secs(5));
        let todos = app.service("todos").unwrap();
        let call = tokio::time::timeout(Duration::from_secs(1), todos.create(json!({ "text": "milk" }), ()));
        assert!(call.await.is_err());
        tokio::time::sleep(Duration::from_millis(3_900)).await;
        assert!(!*dropped.lock().unwrap(), "{phase}: it may go on until then");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(*dropped.lock().unwrap(), "{phase}");
        let found = todos.find(()).await.unwrap().items().unwrap().unwrap();
        assert_eq!(found.len(), usize::from(stored));
    }
}

/// Waits for a signal.
struct Slow(Arc<Notify>);

#[async_trait]
impl Service for Slow {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD)
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        self.0.notified().await;
        Ok(request.data)
    }
}

#[tokio::test(start_paused = true)]
async fn a_method_is_never_given_up_and_its_event_is_sent() {
    let go_on = Arc::new(Notify::new());
    let service = Slow(go_on.clone());
    let app = app(|app| {
        app.service("slow", service);
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    app.allow_calls(Duration::from_secs(5));
    let mut client = Client::join(&app, &["everybody"]).await;
    let slow = app.service("slow").unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(1), slow.create(json!(1), ())).await.is_err());
    tokio::time::sleep(Duration::from_mins(1)).await;
    go_on.notify_one();
    assert_eq!(show(client.events.next().await.unwrap()), "slow created 1");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_dropped_when_the_shutdown_has_waited_long_enough() {
    let dropped = Arc::new(Mutex::new(false));
    let app = app(|app| {
        let waits = hook::with_state(dropped.clone(), async |dropped: &Arc<Mutex<bool>>, _: &mut Context| {
            let _guard = Guard(dropped.clone());
            std::future::pending::<()>().await;
            Ok(())
        });
        app.service("ev", Ev).before("create", waits);
    })
    .await;
    let ev = app.service("ev").unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(10), ev.create(json!(1), ())).await.is_err());
    let began = tokio::time::Instant::now();
    app.shutdown(Duration::from_secs(2)).await.unwrap();
    assert_eq!((*dropped.lock().unwrap(), began.elapsed().as_secs()), (true, 2));
}

/// Waits for a signal, and counts the calls that wait.
#[derive(Clone, Default)]
struct Gate {
    go: Arc<Notify>,
    done: Arc<Notify>,
}

#[async_trait]
impl Service for Gate {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find, Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        if request.method == &Method::Create {
            self.go.notified().await;
            self.done.notify_one();
        }
        Ok(Payload::NULL)
    }
}

#[tokio::test]
async fn calls_whose_callers_have_gone_are_bounded() {
    let gate = Gate::default();
    let mounted = gate.clone();
    let app = app(|app| {
        app.service("gate", mounted);
        app.max_abandoned_calls(2);
    })
    .await;
    let service = app.service("gate").unwrap();
    let outside = || {
        let mut params = Params::new();
        params.provider = Some(Provider::REST);
        params
    };
    for _ in 0..2 {
        assert!(service.create(json!({}), outside()).now_or_never().is_none(), "the caller goes before it is answered");
    }
    let error = service.create(json!({}), outside()).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (503, Some(Duration::from_secs(1))));
    assert_eq!(error.message(), "too many calls whose callers have gone are still under way");
    // Reads, and calls from inside, go on.
    service.find(outside()).await.unwrap();
    assert!(service.create(json!({}), ()).now_or_never().is_none());
    for _ in 0..3 {
        gate.go.notify_one();
        gate.done.notified().await;
    }
    let free = async {
        loop {
            gate.go.notify_one();
            match service.create(json!({}), outside()).await {
                Ok(_) => return,
                Err(error) => assert_eq!(error.code(), 503),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.expect("a finished call still counts");
}
