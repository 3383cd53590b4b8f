//! Services: where they are mounted, how they are found, and what their calls and events carry.

use std::sync::{Arc, Mutex};

use feathers_core::{
    App, AppHandle, Connection, Context, Delivery, Descriptor, Document, Encoding, Error, ErrorKind, Handshake, Image,
    Memory, Method, Mount, Next, Payload, Provider, Query, Request, Result, Service, Store, StoreContext, async_trait,
};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

/// Answers with what it was called with.
struct Echo;

#[async_trait]
impl Service for Echo {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD).method("custom", "")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        if request.params.query.contains_key("fail") {
            return Err(Error::conflict("as it was asked to"));
        }
        let route: serde_json::Map<_, _> =
            request.params.route.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let provider = request.params.provider.map(Provider::name);
        Ok(json!({ "method": request.method.name(), "route": route, "provider": provider }).into())
    }
}

async fn app(build: impl FnOnce(&mut App)) -> AppHandle {
    let mut app = App::new();
    build(&mut app);
    app.start().await.unwrap()
}

#[tokio::test]
async fn a_path_leads_to_a_service_and_perhaps_an_id() {
    let app = app(|app| {
        app.service("/", Echo);
        app.service("users/:userId/messages", Echo);
        app.service("users", Echo);
        app.service("users/me", Echo);
    })
    .await;
    let rows = [
        ("", Some(("", None, None))),
        ("/", Some(("", None, None))),
        ("/7", Some(("", Some("7"), None))),
        ("users", Some(("users", None, None))),
        ("/users/", Some(("users", None, None))),
        ("users/1", Some(("users", Some("1"), None))),
        ("users/me", Some(("users/me", None, None))),
        ("users/me/1", Some(("users/me", Some("1"), None))),
        ("users/1/messages", Some(("users/:userId/messages", None, Some("1")))),
        ("users/1/messages/2", Some(("users/:userId/messages", Some("2"), Some("1")))),
        ("users/me/messages", Some(("users/me", Some("messages"), None))),
        ("users//1", None),
        ("users/1/2/3", None),
    ];
    for (path, expected) in rows {
        let route = app.lookup(path, Encoding::Plain).unwrap();
        let id = route.as_ref().and_then(|route| route.id()).map(ToString::to_string);
        let found = route.as_ref().map(|route| (route.path(), id.as_deref(), route.params().value("userId")));
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn constants_are_part_of_the_route_and_placeholders_beat_them() {
    let app = app(|app| {
        app.service("a", Echo).route_param("kind", "constant");
        app.service("b/:kind/c", Echo).route_param("kind", "constant").route_param("more", "yes");
    })
    .await;
    for (path, route) in
        [("a", json!({ "kind": "constant" })), ("b/given/c", json!({ "kind": "given", "more": "yes" }))]
    {
        let answer = app.service(path).unwrap().find(()).await.unwrap();
        assert_eq!(answer.value().unwrap()["route"], route);
    }
}

#[tokio::test]
async fn calls_from_inside_have_no_provider() {
    let app = app(|app| {
        app.service("a", Echo);
    })
    .await;
    let answer = app.service("a").unwrap().call("custom", Payload::NULL, ()).await.unwrap();
    assert_eq!(answer.value().unwrap()["provider"], Value::Null);
    let error = app.service("nope").unwrap_err();
    assert_eq!(error.message(), "Can not find service 'nope'");
}

#[tokio::test]
async fn one_service_can_be_mounted_under_two_paths() {
    let store: Arc<dyn Service> = Arc::new(Memory::<Document>::new());
    let app = app(|app| {
        app.service("a", Mount::new(store.clone()));
        app.service("b", Mount::new(store));
    })
    .await;
    app.service("a").unwrap().create(json!({ "n": 1 }), ()).await.unwrap();
    let found = app.service("b").unwrap().find(()).await.unwrap();
    assert_eq!(found.value().unwrap(), &json!([{ "n": 1, "id": 1 }]));
}

#[tokio::test]
async fn settings_and_plugins() {
    #[derive(Clone, Debug, PartialEq)]
    struct Limit(u32);

    let app = app(|app| {
        app.insert(Limit(1)).configure(|app: &mut App| {
            let limit = app.get::<Limit>().unwrap().0;
            app.insert(Limit(limit + 1)).service("a", Echo);
        });
    })
    .await;
    assert_eq!(app.get(), Some(&Limit(2)));
    assert_eq!(app.get::<String>(), None);
    assert!(app.service("a").is_ok());
}

#[tokio::test]
async fn hooks_of_the_app_run_for_every_method_of_every_service() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let app = app(|app| {
        app.before(
            "all",
            feathers_core::hook::with_state(lines, async |lines: &Arc<Mutex<Vec<String>>>, ctx: &mut Context| {
                lines.lock().unwrap().push(format!("{} {}", ctx.path(), ctx.method()));
                Ok(())
            }),
        );
        app.service("a", Echo);
    })
    .await;
    app.mount("late", Echo).await.unwrap();
    app.service("a").unwrap().find(()).await.unwrap();
    app.service("a").unwrap().call("custom", Payload::NULL, ()).await.unwrap();
    app.service("late").unwrap().get(1, ()).await.unwrap();
    assert_eq!(*log.lock().unwrap(), ["a find", "a custom", "late get"]);
}

#[tokio::test]
async fn an_around_hook_can_catch_an_error() {
    async fn calm(ctx: &mut Context, next: Next<'_>) -> Result<()> {
        if let Err(error) = next.run(ctx).await {
            ctx.result = Some(json!({ "caught": error.message() }).into());
        }
        Ok(())
    }

    let app = app(|app| {
        app.service("a", Echo).around("find", calm);
    })
    .await;
    let answer = app.service("a").unwrap().find(json!({ "fail": 1 })).await.unwrap();
    assert_eq!(answer.value().unwrap(), &json!({ "caught": "as it was asked to" }));
}

#[tokio::test]
async fn only_events_that_are_declared_are_published() {
    let heard = Arc::new(Mutex::new(0));
    let count = heard.clone();
    let app = app(|app| {
        app.service("a", Echo).events(["status"]).on_event("loose", move |_, _| *count.lock().unwrap() += 1);
        app.service("b", Echo).service_events(["created", "loose"]);
        app.publish(|_, app| app.channel("everybody"));
        app.on_connect(|connection, app| app.channel("everybody").join(connection));
    })
    .await;
    let session = app.open(Handshake::new(Provider::new("test"))).await.expect("the session opens");
    let mut events = session.subscribe();
    for path in ["a", "b"] {
        let service = app.service(path).unwrap();
        service.create(Payload::NULL, ()).await.unwrap();
        service.remove(Some(1.into()), ()).await.unwrap();
        service.emit("status", json!(1));
        service.emit("loose", json!(1));
    }
    let seen: Vec<String> = std::iter::from_fn(|| events.try_next())
        .map(|delivery| match delivery {
            Delivery::Event(event) => format!("{} {}", event.path(), event.name()),
            other => panic!("expected an event, got {other:?}"),
        })
        .collect();
    assert_eq!(seen, ["a created", "a removed", "a status", "b created", "b loose"]);
    assert_eq!(*heard.lock().unwrap(), 1, "listeners on the server hear every event");
}

#[tokio::test]
async fn what_is_put_on_a_connection_is_there_in_its_calls() {
    #[derive(Clone)]
    struct User(&'static str);

    async fn name(ctx: &mut Context) -> Result<()> {
        let connection = ctx.params.connection.as_ref();
        let user = connection.and_then(Connection::get::<User>).map(|user| user.0);
        ctx.result = Some(json!({ "user": user, "header": ctx.params.headers.value("X-Test") }).into());
        Ok(())
    }

    let app = app(|app| {
        app.service("a", Echo).before("find", name);
        app.on_connect(|connection, _| {
            connection.insert(User("ann"));
        });
    })
    .await;
    let mut headers = http::HeaderMap::new();
    headers.insert("x-test", http::HeaderValue::from_static("yes"));
    let session = app.open(Handshake::new(Provider::new("test")).headers(headers)).await.expect("the session opens");
    let answer = app.service("a").unwrap().find(session.params()).await.unwrap();
    assert_eq!(answer.value().unwrap(), &json!({ "user": "ann", "header": "yes" }));
}

#[tokio::test]
async fn a_store_that_is_called_without_its_service_runs_no_hook_and_emits_nothing() {
    let records = Memory::<Document>::new();
    let store = records.store().clone();
    let app = app(|app| {
        app.service("a", records).before("create", async |_: &mut Context| Err(Error::forbidden("not like this")));
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    let before = app.log().head();
    assert!(app.service("a").unwrap().create(json!({}), ()).await.unwrap_err().is_forbidden());
    let data = serde_json::from_value(json!({ "n": 1 })).unwrap();
    assert_eq!(store.create(vec![data], &StoreContext::NONE).await.unwrap().len(), 1);
    assert_eq!(store.find(&Query::default(), &StoreContext::NONE).await.unwrap().records.len(), 1);
    assert_eq!(app.log().head(), before);
}

#[tokio::test]
async fn a_hook_sees_what_a_call_has_changed_if_it_has_asked() {
    let record = async |ctx: &mut Context| {
        ctx.record_changes();
        Ok(())
    };
    let tell = async |ctx: &mut Context| {
        let image = |image: Option<&Image>| image.map_or(Payload::NULL, Image::payload).value().cloned();
        let changes = ctx.changes().iter().map(|change| Ok(json!([image(change.before())?, image(change.after())?])));
        ctx.result = Some(Value::Array(changes.collect::<Result<_>>()?).into());
        Ok(())
    };
    let app = app(|app| {
        app.service("a", Memory::<Document>::new().multi(true))
            .before("patch", record)
            .after(["patch", "remove"], tell);
        app.publish(|_, app| app.channel("everybody"));
    })
    .await;
    let service = app.service("a").unwrap();
    service.create(json!([{ "n": 1 }, { "n": 2 }]), ()).await.unwrap();
    let head = app.log().head();
    let patched = service.patch(None, json!({ "n": 3 }), ()).await.unwrap();
    let expected = json!([[{ "n": 1, "id": 1 }, { "n": 3, "id": 1 }], [{ "n": 2, "id": 2 }, { "n": 3, "id": 2 }]]);
    assert_eq!(patched.value().unwrap(), &expected);
    assert_eq!(service.remove(Some(1.into()), ()).await.unwrap().value().unwrap(), &json!([]), "nothing was asked");
    assert_ne!(app.log().head(), head, "slots are taken as ever");
}

/// The method of a call, and the deadline and the caller that a store would be told.
type Noted = (String, Option<Instant>, Option<u64>);

/// Notes what a store would be told of each call.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Noted>>>);

#[async_trait]
impl Service for Told {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD)
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let (deadline, caller) = (request.store.deadline(), request.store.caller().map(Connection::number));
        self.0.lock().unwrap().push((request.method.to_string(), deadline, caller));
        Ok(Payload::NULL)
    }
}

#[tokio::test]
async fn the_deadline_of_a_read_is_that_of_what_its_hooks_call() {
    let told = Told::default();
    let nested = async |ctx: &mut Context| {
        let inner = ctx.app().service("inner")?;
        inner.find(()).await?;
        inner.create(json!({}), ()).await?;
        ctx.app().with_deadline(Instant::now()).service("inner")?.get(1, ()).await?;
        ctx.app().detached().service("inner")?.get(1, ()).await?;
        Ok(())
    };
    let app = app(|app| {
        app.service("inner", told.clone());
        app.service("outer", told.clone()).before("all", nested);
    })
    .await;
    let now = Instant::now();
    let (soon, later) = (now + Duration::from_mins(1), now + Duration::from_mins(2));
    let calls = || {
        let noted = std::mem::take(&mut *told.0.lock().unwrap());
        noted.into_iter().map(|(method, deadline, _)| (method, deadline)).collect::<Vec<_>>()
    };
    let of = |method: &str, deadline| (method.to_owned(), deadline);

    let handle = app.with_deadline(soon).with_deadline(later);
    assert_eq!((handle.deadline(), app.deadline()), (Some(soon), None), "an earlier one stays");
    handle.service("outer").unwrap().find(()).await.unwrap();
    let noted = calls();
    assert!(noted[2].1.is_some_and(|deadline| deadline < soon));
    assert_eq!(
        [&noted[..2], &noted[3..]].concat(),
        [of("find", Some(soon)), of("create", None), of("get", None), of("find", Some(soon))]
    );

    // What may change something is finished, and so is all that it calls.
    handle.service("outer").unwrap().create(json!({}), ()).await.unwrap();
    let noted = calls();
    assert_eq!(
        [&noted[..2], &noted[3..]].concat(),
        [of("find", None), of("create", None), of("get", None), of("create", None)]
    );
}

#[tokio::test]
async fn what_goes_on_after_a_call_has_no_deadline_of_it() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (published, heard) = (seen.clone(), seen.clone());
    let app = app(|app| {
        let find = async |ctx: &mut Context| {
            assert!(ctx.app().deadline().is_some());
            ctx.emit("custom", json!(1));
            ctx.app().mount("late", Told::default()).await
        };
        app.service("a", Memory::<Document>::new()).events(["custom"]).before("find", find).publish(move |_, app| {
            published.lock().unwrap().push(app.deadline());
            app.channel("everybody")
        });
        app.on_event("a", "custom", move |_, app| heard.lock().unwrap().push(app.deadline()));
    })
    .await;
    let soon = app.with_deadline(Instant::now() + Duration::from_mins(1));
    soon.service("a").unwrap().find(()).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [None, None]);
}

#[tokio::test]
async fn a_store_is_told_the_connection_of_the_caller() {
    let told = Told::default();
    let app = app(|app| {
        app.service("a", told.clone());
    })
    .await;
    let session = app.open(Handshake::new(Provider::new("test"))).await.expect("the session opens");
    app.service("a").unwrap().find(session.params()).await.unwrap();
    app.service("a").unwrap().find(()).await.unwrap();
    let callers: Vec<_> = told.0.lock().unwrap().iter().map(|(.., caller)| *caller).collect();
    assert_eq!(callers, [Some(session.connection().number()), None]);
}

#[test]
fn every_kind_of_error_has_its_code_and_its_names() {
    let expected = [
        (400, "BadRequest", "bad-request"),
        (401, "NotAuthenticated", "not-authenticated"),
        (402, "PaymentError", "payment-error"),
        (403, "Forbidden", "forbidden"),
        (404, "NotFound", "not-found"),
        (405, "MethodNotAllowed", "method-not-allowed"),
        (406, "NotAcceptable", "not-acceptable"),
        (408, "Timeout", "timeout"),
        (409, "Conflict", "conflict"),
        (410, "Gone", "gone"),
        (411, "LengthRequired", "length-required"),
        (412, "PreconditionFailed", "precondition-failed"),
        (422, "Unprocessable", "unprocessable"),
        (429, "TooManyRequests", "too-many-requests"),
        (500, "GeneralError", "general-error"),
        (501, "NotImplemented", "not-implemented"),
        (502, "BadGateway", "bad-gateway"),
        (503, "Unavailable", "unavailable"),
    ];
    assert_eq!(ErrorKind::ALL.len(), expected.len());
    for (kind, (code, name, class_name)) in ErrorKind::ALL.into_iter().zip(expected) {
        let error = Error::new(kind, "m").with_data(json!({ "a": 1 })).with_errors(json!({ "b": "c" }));
        let text = format!(
            r#"{{"name":"{name}","message":"m","code":{code},"className":"{class_name}","data":{{"a":1}},"errors":{{"b":"c"}}}}"#
        );
        assert_eq!(serde_json::to_string(&error).unwrap(), text);
    }
}
