//! The end of a connection: what stops at once, and which answers are sent before the connection closes.

use std::time::Duration;

use feathers_core::{
    App, AppHandle, Call, DisconnectReason, Document, Encoding, Error, Handshake, Login, Memory, Method, Payload,
    Provider, Result, Session,
};
use futures_util::FutureExt;
use serde_json::json;
use tokio::time::Instant;

async fn app(build: impl FnOnce(&mut App)) -> AppHandle {
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new()).publish(|_, app| app.channel("everybody"));
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    build(&mut app);
    app.start().await.unwrap()
}

async fn open(app: &AppHandle) -> Session {
    app.open(Handshake::new(Provider::new("test"))).await.unwrap()
}

/// Makes a call as the client of a session does.
async fn create(app: &AppHandle, session: &Session) -> Result<Payload> {
    let route = app.lookup("notes", Encoding::Plain).unwrap().unwrap();
    let data = json!({ "n": 1 }).into();
    let call = Call { route, method: Method::Create, id: None, data, params: session.params() };
    app.call(call).await.map(|reply| reply.result)
}

#[tokio::test(start_paused = true)]
async fn answers_have_two_seconds_and_events_none() {
    for (grace, expected) in [(None, 2_000), (Some(100), 100)] {
        let app = app(|app| {
            if let Some(grace) = grace {
                app.answer_grace(Duration::from_millis(grace));
            }
        })
        .await;
        let session = open(&app).await;
        let (connection, mut events) = (session.connection().clone(), session.subscribe());
        let under_way = connection.call_begins();
        create(&app, &session).await.unwrap();
        connection.end(DisconnectReason::Reconnect);
        let started = Instant::now();
        assert!(connection.is_closed());
        assert!(events.try_next().is_none());
        assert!(events.has_read(app.log().head()), "answers wait for no event any more");
        assert!(events.next().now_or_never().is_none() && connection.closed().now_or_never().is_none());
        connection.ended().await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert!(events.next().await.is_none());
        assert_eq!(started.elapsed().as_millis(), expected);
        connection.closed().await;
        drop(under_way);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_answer_closes_the_connection() {
    let app = app(|_| {}).await;
    let session = open(&app).await;
    let (connection, mut events) = (session.connection().clone(), session.subscribe());
    let (first, second) = (connection.call_begins(), connection.call_begins());
    connection.end(DisconnectReason::Unauthenticated(Error::not_authenticated("no")));
    let waiting = tokio::spawn(async move { events.next().await.is_none() });
    drop(first);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    let started = Instant::now();
    drop(second);
    assert!(waiting.await.unwrap());
    assert_eq!(started.elapsed(), Duration::ZERO);
    // Without calls under way, the end is at once.
    let session = open(&app).await;
    session.connection().end(DisconnectReason::Reconnect);
    assert!(session.connection().closed().now_or_never().is_some());
}

#[tokio::test]
async fn no_new_call_runs_and_each_end_has_its_error() {
    for (ending, refusal) in [
        (DisconnectReason::Unauthenticated(Error::not_authenticated("jwt expired")), Some((401, "jwt expired"))),
        (DisconnectReason::Unauthenticated(Error::forbidden("you are banned")), Some((401, "you are banned"))),
        (DisconnectReason::Reconnect, Some((401, "the rights have changed: connect again"))),
        (DisconnectReason::Kicked, Some((403, "the server has ended the connection"))),
    ] {
        let app = app(|_| {}).await;
        let session = open(&app).await;
        let _under_way = session.connection().call_begins();
        session.connection().end(ending);
        let result = create(&app, &session).await;
        let refused = result.as_ref().err().map(|error| (error.code(), error.message()));
        assert_eq!(refused, refusal);
        assert_eq!(app.service("notes").unwrap().find(()).await.unwrap().value().unwrap(), &json!([]));
    }
    // The client has gone: its calls are still done.
    let app = app(|_| {}).await;
    let session = open(&app).await;
    session.connection().lose();
    create(&app, &session).await.unwrap();
    assert!(matches!(session.connection().disconnect_reason(), Some(DisconnectReason::Lost)));
}

#[tokio::test]
async fn what_has_begun_before_a_logout_joins_no_channel_after_it() {
    let app = app(|app| {
        app.on_logout(|login, app| app.channel("anonymous").join(login.connection().unwrap()));
        app.on_login(|login, app| app.channel("members").join(login.connection().unwrap()));
    })
    .await;
    let session = open(&app).await;
    let connection = session.connection();
    let mut before = session.params();
    before.connection = Some(connection.current());
    app.logout(&Login::new(Payload::NULL, before.clone())).await;
    app.channel("late").join(before.connection.as_ref().unwrap());
    let names = |channels: Vec<std::sync::Arc<str>>| channels.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(connection.channels()), ["anonymous"]);
    // A login counts when it ends, whenever it has begun.
    app.login(&Login::new(Payload::NULL, before.clone())).await;
    assert_eq!(names(connection.channels()), ["anonymous", "members"]);
    // Data that the app keeps on a connection is of no call.
    let [kept] = app.channel("members").connections().try_into().unwrap();
    app.logout(&Login::new(Payload::NULL, before.clone())).await;
    app.channel("kept").join(&kept);
    app.channel("kept").join(&connection.current());
    assert_eq!(names(connection.channels()), ["anonymous", "kept"]);
}
