//! Hooks: the order measured on Feathers 5, and what hooks can change.

use std::sync::{Arc, Mutex};

use feathers_core::{
    App, AppHandle, AroundHook, Context, Descriptor, Error, Hook, Method, Next, Params, Payload, Request, Result,
    Service, async_trait, hook,
};
use serde_json::{Value, json};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes a line when it runs, and fails if it is the one that is to fail.
struct Step {
    name: String,
    log: Log,
    fails_at: Option<&'static str>,
    on_error: bool,
}

impl Step {
    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }

    fn fail(&self, place: &str) -> Result<()> {
        match self.fails_at {
            Some(fails_at) if fails_at == place => Err(Error::general(format!("E@{}", self.name))),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Hook for Step {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        let phase = ctx.phase().name();
        if self.on_error {
            let message = ctx.error.as_ref().unwrap().message().to_owned();
            let original = ctx.original().unwrap().phase.name();
            self.note(format!("{}:{phase}:{message}:orig={original}", self.name));
            return Ok(());
        }
        self.note(format!("{}:{phase}", self.name));
        self.fail(&self.name)
    }
}

#[async_trait]
impl AroundHook for Step {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        self.note(format!("{}>:{}", self.name, ctx.phase().name()));
        self.fail(&format!("{}>", self.name))?;
        next.run(ctx).await?;
        self.note(format!("<{}", self.name));
        self.fail(&format!("<{}", self.name))
    }
}

struct Logged(Step);

#[async_trait]
impl Service for Logged {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Get])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        self.0.note("METHOD".to_owned());
        self.0.fail("method")?;
        Ok(json!({ "id": request.id }).into())
    }
}

/// Registers one set of hooks; apps and mounts have the same methods.
macro_rules! register {
    ($target:expr, $level:literal, $step:expr) => {{
        let step = |name: &str| $step(format!("{}.{name}", $level), false);
        let error = |name: &str| $step(format!("{}.{name}", $level), true);
        $target
            .around("all", step("aroundAll1"))
            .around("all", step("aroundAll2"))
            .around("get", step("aroundGet"))
            .before("all", step("bAll1"))
            .before("all", step("bAll2"))
            .before("get", step("bGet"))
            .after("all", step("aAll1"))
            .after("all", step("aAll2"))
            .after("get", step("aGet1"))
            .after("get", step("aGet2"))
            .error("all", error("eAll"))
            .error("get", error("eGet"));
    }};
}

async fn run(fails_at: Option<&'static str>) -> String {
    let log = Log::default();
    let step = |name: String, on_error: bool| Step { name, log: log.clone(), fails_at, on_error };
    let mut app = App::new();
    register!(app, "app", step);
    let service = Logged(step("method".to_owned(), false));
    register!(app.service("s", service), "svc", step);
    let app = app.start().await.unwrap();
    let result = match app.service("s").unwrap().get(1, ()).await {
        Ok(result) => result.value().unwrap().to_string(),
        Err(error) => format!("{:?}", format!("THROWN {}", error.message())),
    };
    let place = fails_at.unwrap_or("null");
    format!("# throw at {place} -> {result}\n  {}", log.lock().unwrap().join("\n  "))
}

#[tokio::test]
async fn order_is_that_of_feathers() {
    let golden = include_str!("../data/hook-order.txt");
    for expected in golden.trim().split("\n\n") {
        let place = expected.split(' ').nth(3).unwrap();
        let fails_at = if place == "null" { None } else { Some(&*Box::leak(place.to_owned().into_boxed_str())) };
        assert_eq!(run(fails_at).await, expected.trim(), "throwing at {place}");
    }
}

/// A service for the cases that are about one hook.
struct Simple;

#[async_trait]
impl Service for Simple {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find, Method::Get, Method::Create, Method::named("cm")])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        match request.method {
            Method::Find => Ok(json!([1]).into()),
            Method::Get if request.id.as_ref().unwrap().to_string() == "err" => Err(Error::bad_request("x")),
            Method::Get => Ok(json!({ "id": request.id }).into()),
            Method::Create => Ok(request.data),
            _ => Ok(json!({ "d": request.data }).into()),
        }
    }
}

async fn app(build: impl FnOnce(&mut App)) -> AppHandle {
    let mut app = App::new();
    build(&mut app);
    app.start().await.unwrap()
}

async fn get(app: &AppHandle, id: &str) -> Result<Value> {
    let result = app.service("s")?.get(id, ()).await?;
    Ok(result.value()?.clone())
}

#[tokio::test]
async fn before_hook_with_a_result_skips_the_method() {
    for value in [json!("short"), Value::Null] {
        let value = &value;
        let app = app(|app| {
            app.service("s", Simple)
                .before(
                    "all",
                    hook::with_state(value.clone(), async |value: &Value, ctx: &mut Context| {
                        ctx.result = Some(value.clone().into());
                        Ok(())
                    }),
                )
                .after("all", async |ctx: &mut Context| {
                    let seen = ctx.result.as_ref().unwrap().value()?.clone();
                    ctx.result = Some(json!({ "after": seen }).into());
                    Ok(())
                });
        })
        .await;
        assert_eq!(get(&app, "err").await.unwrap(), json!({ "after": value }));
    }
}

#[tokio::test]
async fn before_hook_changes_id_and_params() {
    async fn change(ctx: &mut Context) -> Result<()> {
        ctx.id = Some("changed".into());
        ctx.params.query.insert("q".to_owned(), json!(1));
        Ok(())
    }

    async fn show(ctx: &mut Context) -> Result<()> {
        let query = Value::Object(ctx.params.query.clone());
        ctx.result.as_mut().unwrap().object_mut()?.insert("query".to_owned(), query);
        Ok(())
    }

    let app = app(|app| {
        app.service("s", Simple).before("get", change).after("get", show);
    })
    .await;
    assert_eq!(get(&app, "1").await.unwrap(), json!({ "id": "changed", "query": { "q": 1 } }));
}

#[tokio::test]
async fn error_hook_swallows_by_setting_a_result() {
    let app = app(|app| {
        app.error("all", async |_: &mut Context| panic!("an outer error hook must not run"));
        app.after("all", async |ctx: &mut Context| {
            let seen = ctx.result.as_ref().unwrap().value()?.clone();
            ctx.result = Some(json!([seen]).into());
            Ok(())
        });
        app.service("s", Simple).error("all", async |ctx: &mut Context| {
            ctx.result = Some(json!("swallowed").into());
            Ok(())
        });
    })
    .await;
    assert_eq!(get(&app, "err").await.unwrap(), json!(["swallowed"]));
}

#[tokio::test]
async fn error_hook_swallows_by_taking_the_error_away() {
    let app = app(|app| {
        app.service("s", Simple).error("all", async |ctx: &mut Context| {
            ctx.error = None;
            Ok(())
        });
    })
    .await;
    assert_eq!(get(&app, "err").await.unwrap(), Value::Null);
}

#[tokio::test]
async fn error_hook_changes_or_throws() {
    let changed = app(|app| {
        app.service("s", Simple).error("all", async |ctx: &mut Context| {
            ctx.error = Some(Error::conflict("changed"));
            Ok(())
        });
    })
    .await;
    assert_eq!(get(&changed, "err").await.unwrap_err(), Error::conflict("changed"));

    let thrown = app(|app| {
        app.service("s", Simple).error("all", async |_: &mut Context| Err(Error::gone("rethrown")));
    })
    .await;
    assert_eq!(get(&thrown, "err").await.unwrap_err(), Error::gone("rethrown"));
}

#[tokio::test]
async fn error_in_after_hook_takes_the_result_away() {
    let app = app(|app| {
        app.service("s", Simple).after("all", async |_: &mut Context| Err(Error::general("in after"))).error(
            "all",
            async |ctx: &mut Context| {
                let original = ctx.original().unwrap().result.as_ref().unwrap().value()?.clone();
                assert!(ctx.result.is_none());
                ctx.error = Some(Error::general("seen").with_data(original));
                Ok(())
            },
        );
    })
    .await;
    assert_eq!(get(&app, "1").await.unwrap_err(), Error::general("seen").with_data(json!({ "id": "1" })));
}

#[tokio::test]
async fn around_hook_that_does_not_run_the_rest() {
    async fn stop(ctx: &mut Context, _next: Next<'_>) -> Result<()> {
        ctx.result = Some(json!("stopped").into());
        Ok(())
    }

    let app = app(|app| {
        app.service("s", Simple).around("all", stop).before("all", async |_: &mut Context| panic!("must not run"));
    })
    .await;
    assert_eq!(get(&app, "1").await.unwrap(), json!("stopped"));
}

#[tokio::test]
async fn hooks_run_for_custom_methods() {
    let app = app(|app| {
        app.service("s", Simple).before(["cm", "find"], async |ctx: &mut Context| {
            ctx.data = json!({ "from": ctx.method().name() }).into();
            Ok(())
        });
    })
    .await;
    let result = app.service("s").unwrap().call("cm", json!({}), ()).await.unwrap();
    assert_eq!(result.value().unwrap(), &json!({ "d": { "from": "cm" } }));
}

#[tokio::test]
async fn a_panic_in_a_hook_is_a_500_and_harms_nobody_else() {
    let app = app(|app| {
        app.service("bad", Simple).before("all", async |_: &mut Context| panic!("oh no"));
        app.service("s", Simple);
    })
    .await;
    let error = app.service("bad").unwrap().get(1, ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (500, "Internal server error"));
    let error = app.service("bad").unwrap().create(json!({}), ()).await.unwrap_err();
    assert_eq!(error.code(), 500);
    assert_eq!(get(&app, "1").await.unwrap(), json!({ "id": "1" }));
}

#[tokio::test]
async fn wrong_registrations_are_reported_all_at_once() {
    let mut app = App::new();
    app.service("s", Simple).before("nope", async |_: &mut Context| Ok(()));
    app.service("t", Simple).methods(["missing"]);
    app.service("u", Simple).publish_event("bla", |_, app: &AppHandle| app.channel("x"));
    app.service("/v/", Simple);
    app.service("v", Simple);
    let error = app.start().await.unwrap_err();
    let lines: Vec<&str> = error.message().lines().collect();
    assert_eq!(
        lines,
        [
            "a hook of service 's' is for 'nope', which it does not have",
            "service 't' has no method 'missing'",
            "'bla' is not a valid service event",
            "Path 'v' is mounted twice",
        ]
    );
}

#[tokio::test]
async fn protected_names_are_refused() {
    struct Named(&'static str);

    #[async_trait]
    impl Service for Named {
        type Record = ();

        fn descriptor(&self) -> Descriptor {
            Descriptor::new([Method::Find, Method::named(self.0)])
        }

        async fn call(&self, request: Request<'_>) -> Result<Payload> {
            request.unknown_method()
        }
    }

    for name in ["on", "emit", "hooks", "setup", "toString", "publish", "all"] {
        let mut app = App::new();
        app.service("x", Named(name));
        let error = app.start().await.unwrap_err();
        assert_eq!(error.message(), format!("'{name}' on service 'x' is not allowed as a custom method name"));
    }
}

#[tokio::test]
async fn setup_and_teardown_run_in_order_inside_their_hooks() {
    struct Noted(Log, &'static str);

    #[async_trait]
    impl Service for Noted {
        type Record = ();

        fn descriptor(&self) -> Descriptor {
            Descriptor::new([])
        }

        async fn call(&self, request: Request<'_>) -> Result<Payload> {
            request.unknown_method()
        }

        async fn setup(&self, _: &AppHandle, path: &str) -> Result<()> {
            self.0.lock().unwrap().push(format!("setup {path} {}", self.1));
            Ok(())
        }

        async fn teardown(&self, _: &AppHandle, path: &str) -> Result<()> {
            self.0.lock().unwrap().push(format!("teardown {path}"));
            Ok(())
        }
    }

    let log = Log::default();
    let mut app = App::new();
    app.service("a", Noted(log.clone(), "1"));
    app.service("b", Noted(log.clone(), "2"));
    let lines = log.clone();
    app.around_setup(move |_, next| {
        let lines = lines.clone();
        async move {
            lines.lock().unwrap().push("setup hook >".to_owned());
            next.run().await?;
            lines.lock().unwrap().push("< setup hook".to_owned());
            Ok(())
        }
    });
    let app = app.start().await.unwrap();
    app.mount("late", Noted(log.clone(), "3")).await.unwrap();
    app.unmount("late").await.unwrap();
    assert!(app.service("late").is_err());
    app.shutdown(std::time::Duration::from_secs(1)).await.unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        [
            "setup hook >",
            "setup a 1",
            "setup b 2",
            "< setup hook",
            "setup late 3",
            "teardown late",
            "teardown b",
            "teardown a",
        ]
    );
}

#[tokio::test]
async fn only_listed_methods_are_for_clients() {
    let app = app(|app| {
        app.service("s", Simple).methods(["find"]);
    })
    .await;
    let route = app.lookup("s/1", feathers_core::Encoding::Plain).unwrap().unwrap();
    assert!(!route.allows(&Method::Get));
    let mut params = Params::new();
    params.provider = Some(feathers_core::Provider::REST);
    let call = feathers_core::Call { route, method: Method::Get, id: Some(1.into()), data: Payload::NULL, params };
    assert_eq!(app.call(call).await.unwrap_err().message(), "Method 'get' not allowed on service 's'");
    assert_eq!(get(&app, "1").await.unwrap(), json!({ "id": "1" }));
}
