//! Reading and publishing at the same time, on threads of their own: no event may fall between the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use feathers_core::{
    App, AppHandle, Context, Delivery, Descriptor, Handshake, Method, Payload, Provider, Request, Result, Service,
    Session, Since, Subscription, async_trait, hook,
};
use futures_util::FutureExt;
use tokio::sync::Notify;

/// Many, so that waking all of them for an event takes a while.
const MEMBERS: usize = 200;
/// How often events become visible all at once, and how many.
const ROUNDS: usize = 40;
const EVENTS: usize = 100;
/// How many read at the same time: more than there are cores, so that they are interrupted anywhere.
const READERS: usize = 6;

/// The service answers with its data; `true` keeps its slot in the log open until a signal comes.
struct Ev;

#[async_trait]
impl Service for Ev {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        Ok(request.data)
    }
}

async fn hold(release: &Arc<Notify>, ctx: &mut Context) -> Result<()> {
    if ctx.data.value()? == true {
        release.notified().await;
    }
    Ok(())
}

/// An app, many members of its only channel, and what ends a held call.
async fn crowd() -> (AppHandle, Vec<Session>, Arc<Notify>) {
    let release = Arc::new(Notify::new());
    let mut app = App::new();
    let ev = app.service("ev", Ev);
    ev.publish(|_event, app| app.channel("all")).after("create", hook::with_state(release.clone(), hold));
    app.on_connect(|connection, app| app.channel("all").join(connection));
    let app = app.start().await.unwrap();
    let mut sessions = Vec::with_capacity(MEMBERS);
    for _ in 0..MEMBERS {
        sessions.push(app.open(Handshake::new(Provider::new("test"))).await.expect("the session opens"));
    }
    (app, sessions, release)
}

/// Publishes while `read` runs again and again on several threads, once more at the end of all events.
async fn while_publishing<R: FnMut()>(read: impl Fn(AppHandle) -> R + Sync) {
    let (app, _crowd, release) = crowd().await;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(|| {
                let mut read = read(app.clone());
                while !done.load(Ordering::Acquire) {
                    read();
                }
                read();
            });
        }
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(publish(&app, &release));
            done.store(true, Ordering::Release);
        });
    });
}

/// Publishes events that become visible all at once, since an earlier slot is open until the last of them is there.
async fn publish(app: &AppHandle, release: &Notify) {
    let ev = app.service("ev").unwrap();
    for _ in 0..ROUNDS {
        let held = ev.create(serde_json::json!(true), ());
        let rest = async {
            for _ in 0..EVENTS {
                ev.create(serde_json::json!(false), ()).await.unwrap();
            }
            release.notify_one();
        };
        let (held, ()) = tokio::join!(held, rest);
        held.unwrap();
    }
}

/// Reads what is there; the numbers must follow on one another without a hole.
fn read(events: &mut Subscription, at: &mut u64) {
    while let Some(delivery) = events.try_next() {
        match delivery {
            Delivery::Event(event) => {
                assert_eq!(event.cursor().seq(), *at + 1, "a hole after {at}");
                *at = event.cursor().seq();
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(events.cursor().seq(), *at, "the position goes over events that were not read");
}

fn connect(app: &AppHandle) -> (Session, Subscription, u64) {
    let opening = app.open(Handshake::new(Provider::new("test")));
    let session = opening.now_or_never().expect("there is nothing to wait for").expect("the session opens");
    let events = session.subscribe();
    let at = events.cursor().seq();
    (session, events, at)
}

#[tokio::test]
async fn a_reader_that_has_caught_up_with_the_log_misses_nothing_that_is_published_meanwhile() {
    while_publishing(|app| {
        let (session, mut events, mut at) = connect(&app);
        move || {
            read(&mut events, &mut at);
            // Comes back, which reads from the log until it has caught up.
            events = session.subscribe_since(Since::Cursor(events.cursor()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_client_that_comes_gets_everything_after_the_place_that_it_is_told() {
    while_publishing(|app| {
        let mut client = connect(&app);
        move || {
            let (_, events, at) = &mut client;
            read(events, at);
            client = connect(&app);
            let (_, events, at) = &mut client;
            read(events, at);
        }
    })
    .await;
}
