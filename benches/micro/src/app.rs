//! The app that is measured: messages in memory, a page of ten.

use feathers::app::Access;
use feathers::call::{Call, Encoding, Provider};
use feathers::log::Retention;
use feathers::prelude::*;
use feathers::query::Paginate;
use feathers::session::{Authenticator, HandshakeCredentials, Headers, Login};
use feathers::{AppHandle, Connection, Error, Id, Memory, Method, Params, Payload, async_trait};
use serde_json::{Map, Value};

/// A chat message of about 150 bytes.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct Message {
    #[service(id)]
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) user: String,
    #[service(default)]
    pub(crate) ts: i64,
}

/// How many messages there are at the start.
const SEED: i64 = 100;

/// How many events the log keeps: few, so that it is full when counting begins.
const KEPT: usize = 100;

/// What a new message is made from.
pub(crate) const DATA: &str = concat!(
    r#"{"text":"message number 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","#,
    r#""user":"u1","ts":1}"#
);

/// Returns the message at the start.
pub(crate) fn message(id: i64) -> Message {
    Message { id, text: format!("message number {id} {}", "x".repeat(80)), user: "u1".to_owned(), ts: id }
}

/// Returns the app with the service `messages`, which can publish the event `ticked` to the channel `room`.
pub(crate) fn app() -> App {
    let mut app = App::new();
    // All calls are those of one caller, which may fill the log.
    app.retention(Retention::default().count(KEPT)).caller_percent(100);
    let messages = Memory::<Message>::new().paginate(Paginate::new(10).max(50));
    app.service("messages", messages).events(["ticked"]).publish(|_event, app| app.channel("room"));
    app
}

/// A user, as the rules see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct User {
    name: String,
}

/// Knows one user, who makes all calls.
struct One(Payload);

#[async_trait]
impl Authenticator for One {
    fn path(&self) -> &'static str {
        "logins"
    }

    async fn admit(&self, _: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        Ok(None)
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user(&self, _: &Params) -> Option<Payload> {
        Some(self.0.clone())
    }
}

/// Returns the same app with a rule for reading, by which the user reads all messages.
pub(crate) fn ruled() -> App {
    let mut app = App::new();
    app.retention(Retention::default().count(KEPT)).caller_percent(100);
    let messages = Memory::<Message>::new().paginate(Paginate::new(10).max(50));
    app.service("messages", messages).access(Access::of::<User>().read(|user| Message::USER.eq(&user.name)));
    app.authenticator(One(Payload::new(User { name: "u1".to_owned() })));
    app
}

/// Returns the same app, in which everybody is in the channel `room`.
pub(crate) fn room() -> App {
    let mut app = app();
    app.on_connect(|connection, app| app.channel("room").join(connection));
    app
}

/// Starts an app and puts the first messages there.
pub(crate) async fn start(app: App) -> Result<AppHandle> {
    let app = app.start().await?;
    let messages = app.typed::<Message>("messages")?;
    for number in 1..=SEED {
        let Message { text, user, ts, .. } = message(number);
        messages.create(MessageData { id: None, text, user, ts: Some(ts) }, ()).await?;
    }
    Ok(app)
}

/// A call of a client, as a transport decodes it.
pub(crate) fn call(
    app: &AppHandle,
    path: &str,
    method: Method,
    data: Payload,
    query: &Map<String, Value>,
) -> Result<Call> {
    let route = app.lookup(path, Encoding::Percent)?.ok_or_else(|| Error::not_found(path))?;
    let id: Option<Id> = route.id().cloned();
    let mut params = Params::new();
    params.provider = Some(Provider::REST);
    params.query.clone_from(query);
    Ok(Call { route, method, id, data, params })
}

/// Publishes the event `ticked`, with a record as a store would.
pub(crate) fn tick(app: &AppHandle) -> Result<()> {
    app.service("messages")?.emit("ticked", Payload::new(message(1)));
    Ok(())
}
