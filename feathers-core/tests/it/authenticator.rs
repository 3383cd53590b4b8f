//! The authenticator of an app, and how replays wait for logins.

use std::time::Duration;

use feathers_core::{
    App, AppHandle, Authenticator, Connection, Credentials, Cursor, Delivery, Document, Error, Handshake,
    HandshakeCredentials, Headers, Login, Memory, Params, Payload, Provider, ResetReason, Result, Session, Since,
    Subscription, async_trait,
};
use futures_util::FutureExt;
use serde_json::json;
use tokio::time::Instant;

/// Accepts every client that sends a name.
struct ByName;

fn login(connection: &Connection) -> Login {
    let mut params = Params::new();
    params.connection = Some(connection.clone());
    Login::new(Payload::NULL, params)
}

#[async_trait]
impl Authenticator for ByName {
    fn path(&self) -> &'static str {
        "logins"
    }

    async fn admit(
        &self,
        connection: &Connection,
        credentials: HandshakeCredentials,
        _app: &AppHandle,
    ) -> Result<Option<Login>> {
        match credentials {
            HandshakeCredentials::Sent(credentials) if credentials.text("name").is_some() => {
                connection.set_credentials(Some(credentials));
                Ok(Some(login(connection)))
            }
            HandshakeCredentials::Sent(_) => Err(Error::not_authenticated("who are you?")),
            _ => Ok(None),
        }
    }

    async fn check_owner(
        &self,
        _connection: &Connection,
        _presented: &HandshakeCredentials,
        headers: &Headers,
        _app: &AppHandle,
    ) -> Result<()> {
        headers.value("stranger").map_or(Ok(()), |_| Err(Error::forbidden("the secret of another client")))
    }
}

/// An app whose news are for logged-in users.
async fn app() -> AppHandle {
    let mut app = App::new();
    app.service("news", Memory::<Document>::new()).publish(|_, app| app.channel("members"));
    app.service("logins", Memory::<Document>::new());
    app.on_login(|login, app| app.channel("members").join(login.connection().unwrap()));
    app.authenticator(ByName);
    app.start().await.unwrap()
}

async fn news(app: &AppHandle, count: u64) {
    for number in 0..count {
        app.service("news").unwrap().create(json!({ "number": number }), ()).await.unwrap();
    }
}

fn handshake() -> Handshake {
    Handshake::new(Provider::new("test"))
}

fn named() -> HandshakeCredentials {
    HandshakeCredentials::Sent(Credentials::of("name", "name", "ada"))
}

/// Comes back after having missed two pieces of news.
async fn comes_back(app: &AppHandle, credentials: HandshakeCredentials) -> (Session, Subscription) {
    let before: Cursor = app.log().head();
    news(app, 2).await;
    let session = app.open(handshake().since(Since::Cursor(before)).credentials(credentials)).await.unwrap();
    let events = session.subscribe();
    (session, events)
}

/// Reads everything that is there, as numbers of events and reasons of resets.
fn read(events: &mut Subscription) -> (usize, Vec<ResetReason>) {
    let (mut count, mut resets) = (0, Vec::new());
    while let Some(delivery) = events.try_next() {
        match delivery {
            Delivery::Event(_) => count += 1,
            Delivery::Reset(reset) => resets.push(reset.reason),
            _ => {}
        }
    }
    (count, resets)
}

#[tokio::test]
async fn a_refused_client_is_announced_to_nobody() {
    let mut app = App::new();
    app.on_connect(|_, _| panic!("there is no connection"));
    app.authenticator(ByName);
    let app = app.start().await.unwrap();
    let refused =
        app.open(handshake().credentials(HandshakeCredentials::Sent(Credentials::of("name", "nick", "x")))).await;
    assert_eq!(refused.err().map(|error| error.code()), Some(401));
    assert_eq!(app.connections(), 0);
}

#[tokio::test]
async fn a_login_comes_after_the_connect_listeners_and_before_the_replay() {
    let app = app().await;
    let (session, mut events) = comes_back(&app, named()).await;
    assert_eq!(session.connection().channels(), ["members".into()]);
    assert_eq!((read(&mut events), events.is_resumed()), ((2, vec![]), true));
}

#[tokio::test(start_paused = true)]
async fn a_replay_waits_for_a_login_and_no_longer_than_a_second() {
    let app = app().await;
    let (session, mut events) = comes_back(&app, HandshakeCredentials::FromHeaders).await;
    assert_eq!(read(&mut events), (0, vec![]));
    let late = login(session.connection());
    tokio::time::advance(Duration::from_millis(900)).await;
    assert!(events.next().now_or_never().is_none(), "the time is not over yet");
    app.login(&late).await;
    assert_eq!(read(&mut events), (2, vec![]), "what came in the channels of the login is replayed");

    let started = Instant::now();
    let (session, mut events) = comes_back(&app, HandshakeCredentials::FromHeaders).await;
    tokio::time::timeout(Duration::from_secs(2), events.next()).await.unwrap_err();
    assert!(started.elapsed() >= Duration::from_secs(1));
    app.login(&login(session.connection())).await;
    assert_eq!(read(&mut events), (0, vec![ResetReason::Principal]), "the login came too late");
    news(&app, 1).await;
    assert_eq!(read(&mut events), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_no_login_ends_the_waiting_and_one_within_a_login_does_not() {
    let app = app().await;
    let call = async |session: &Session, path: &str| {
        let route = app.lookup(path, feathers_core::Encoding::Plain).unwrap().unwrap();
        let (method, data) = (feathers_core::Method::Find, Payload::NULL);
        app.call(feathers_core::Call { route, method, id: None, data, params: session.params() }).await.unwrap();
    };
    let (session, mut events) = comes_back(&app, HandshakeCredentials::FromHeaders).await;
    call(&session, "logins").await;
    assert!(events.next().now_or_never().is_none(), "a call of the service of logins may still become one");
    call(&session, "news").await;
    assert_eq!(read(&mut events), (0, vec![]));
    app.login(&login(session.connection())).await;
    assert_eq!(read(&mut events), (0, vec![ResetReason::Principal]));
}

#[tokio::test]
async fn a_secret_is_no_good_to_another_user() {
    let app = app().await;
    let session = app.open(handshake()).await.unwrap();
    let secret = session.secret().clone();
    let headers = |name: &'static str| {
        let mut headers = http::HeaderMap::new();
        headers.insert(name, http::HeaderValue::from_static("yes"));
        Headers::from(headers)
    };
    let found = app.connection(&secret, &headers("friend")).await.unwrap();
    assert_eq!(found.as_ref(), Some(session.connection()));
    let refused = app.connection(&secret, &headers("stranger")).await;
    assert_eq!(refused.err().map(|error| error.code()), Some(403));
    assert_eq!(app.connection("00000000000000000000000000000000", &headers("stranger")).await.unwrap(), None);
}
