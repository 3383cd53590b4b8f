//! Presence: who has a connection, told once for each user, to logged-in users.

use feathers_core::facade::presence::{LocalPresence, PresenceEngine, PresenceEvent, Seat};
use feathers_core::{
    App, AppHandle, Authenticator, Connection, Error, HandshakeCredentials, Headers, Login, Params, Payload, Result,
    async_trait,
};
use feathers_testing::{Client, SharedLog, presence_contract};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

presence_contract! {
    local_presence,
    engine: async || LocalPresence::default(),
}

#[derive(Clone, Deserialize, Serialize)]
struct User {
    id: i64,
    name: String,
    password: String,
}

#[derive(Serialize)]
struct Profile {
    id: i64,
    name: String,
}

impl From<&User> for Profile {
    fn from(user: &User) -> Self {
        Self { id: user.id, name: user.name.clone() }
    }
}

/// Knows the user that a test has put on the connection.
struct OfConnection;

#[async_trait]
impl Authenticator for OfConnection {
    fn path(&self) -> &'static str {
        "authentication"
    }

    async fn admit(&self, _: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        Ok(None)
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user(&self, params: &Params) -> Option<Payload> {
        self.user_of(params.connection.as_ref()?)
    }

    fn user_of(&self, connection: &Connection) -> Option<Payload> {
        connection.get::<Payload>()
    }
}

fn login(connection: &Connection) -> Login {
    let mut params = Params::new();
    params.connection = Some(connection.clone());
    Login::new(Payload::NULL, params)
}

async fn log_in(app: &AppHandle, client: &Client, id: i64, name: &str) {
    let connection = client.connection();
    connection.set_subject(Some(&id.to_string()));
    let user = json!({ "id": id, "name": name, "password": "secret" });
    connection.insert(Payload::from(user));
    app.login(&login(connection)).await;
}

async fn log_out(app: &AppHandle, client: &Client) {
    let connection = client.connection();
    connection.remove::<Payload>();
    connection.set_subject(None);
    app.logout(&login(connection)).await;
}

async fn app() -> AppHandle {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.presence("presence").of::<User>().show::<Profile>();
    app.start().await.unwrap()
}

fn heard(client: &mut Client) -> Vec<String> {
    client.events().iter().map(|event| format!("{} {}", event.name(), event.data["name"])).collect()
}

#[tokio::test]
async fn several_connections_of_a_user_count_once() {
    let app = app().await;
    let mut ann = Client::connect(&app).await;
    log_in(&app, &ann, 2, "Ann").await;
    let (bob, tab) = (Client::connect(&app).await, Client::connect(&app).await);
    log_in(&app, &bob, 1, "Bob").await;
    log_in(&app, &tab, 1, "Bob").await;
    assert_eq!(heard(&mut ann), ["presence came \"Bob\""]);
    let found = ann.service("presence").find().await.unwrap();
    assert_eq!(found, json!([{ "id": 2, "name": "Ann" }, { "id": 1, "name": "Bob" }]));

    drop(bob);
    assert_eq!(heard(&mut ann), [""; 0]);
    log_out(&app, &tab).await;
    assert_eq!(heard(&mut ann), ["presence went \"Bob\""]);
    // The end of a connection that was logged out already is no news.
    drop(tab);
    assert_eq!(heard(&mut ann), [""; 0]);
    assert_eq!(ann.service("presence").find().await.unwrap(), json!([{ "id": 2, "name": "Ann" }]));
}

#[tokio::test]
async fn a_login_as_another_user_and_one_on_a_connection_that_has_ended() {
    let app = app().await;
    let mut ann = Client::connect(&app).await;
    log_in(&app, &ann, 2, "Ann").await;
    let bob = Client::connect(&app).await;
    log_in(&app, &bob, 1, "Bob").await;
    log_in(&app, &bob, 3, "Carl").await;
    assert_eq!(heard(&mut ann), ["presence came \"Bob\"", "presence went \"Bob\"", "presence came \"Carl\""]);

    let connection = bob.connection().clone();
    drop(bob);
    assert_eq!(heard(&mut ann), ["presence went \"Carl\""]);
    app.login(&login(&connection)).await;
    assert_eq!(ann.service("presence").find().await.unwrap(), json!([{ "id": 2, "name": "Ann" }]));
}

#[tokio::test]
async fn anonymous_clients_neither_ask_nor_hear() {
    let app = app().await;
    let mut stranger = Client::connect(&app).await;
    let ann = Client::connect(&app).await;
    log_in(&app, &ann, 2, "Ann").await;
    assert_eq!(stranger.service("presence").find().await.unwrap_err().code(), 401);
    drop(ann);
    assert_eq!(heard(&mut stranger), [""; 0]);
    // One who was logged in hears nothing after the logout.
    log_in(&app, &stranger, 3, "Carl").await;
    log_out(&app, &stranger).await;
    let bob = Client::connect(&app).await;
    log_in(&app, &bob, 1, "Bob").await;
    assert_eq!(heard(&mut stranger), [""; 0]);
}

#[tokio::test]
async fn what_is_open_to_all_is_said_on_the_builder_and_the_mount() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.presence("online").anonymous().of::<User>().show::<Profile>().publish(|_event, app| app.channel("all"));
    app.on_connect(|connection, app| app.channel("all").join(connection));
    let app = app.start().await.unwrap();
    let mut stranger = Client::connect(&app).await;
    let ann = Client::connect(&app).await;
    log_in(&app, &ann, 2, "Ann").await;
    assert_eq!(heard(&mut stranger), ["online came \"Ann\""]);
    assert_eq!(stranger.service("online").find().await.unwrap(), json!([{ "id": 2, "name": "Ann" }]));
}

#[tokio::test]
async fn find_takes_the_common_query() {
    let app = app().await;
    let clients = [Client::connect(&app).await, Client::connect(&app).await, Client::connect(&app).await];
    for (client, (id, name)) in clients.iter().zip([(3, "Carl"), (1, "Ann"), (2, "Bob")]) {
        log_in(&app, client, id, name).await;
    }
    let names = async |query: Value| -> Result<Vec<String>> {
        let found = app.service("presence")?.find(query).await?;
        let names = found.value()?.as_array().cloned().unwrap_or_default();
        Ok(names.iter().map(|user| user["name"].as_str().unwrap_or_default().to_owned()).collect())
    };
    assert_eq!(names(json!({})).await.unwrap(), ["Carl", "Ann", "Bob"]);
    assert_eq!(names(json!({ "$sort": { "name": 1 }, "$skip": 1, "$limit": 1 })).await.unwrap(), ["Bob"]);
    assert_eq!(names(json!({ "id": { "$in": [1, 3] } })).await.unwrap(), ["Carl", "Ann"]);
    assert_eq!(names(json!({ "$select": ["id"] })).await.unwrap(), ["", "", ""]);
    assert_eq!(names(json!({ "id": { "$near": 1 } })).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn a_presence_without_logins_does_not_start() {
    let mut app = App::new();
    app.presence("presence").of::<User>().show::<Profile>();
    let error = app.start().await.unwrap_err();
    assert!(error.message().contains("the presence at 'presence' knows no users"), "{error}");

    let mut app = App::new();
    app.authenticator(OfConnection);
    app.presence("rooms/:id/presence").of::<User>().show::<Profile>();
    let error = app.start().await.unwrap_err();
    assert!(error.message().contains("placeholders"), "{error}");
}

#[tokio::test]
async fn two_processes_count_together_and_one_that_ends_leaves() {
    let (engine, log) = (LocalPresence::default(), SharedLog::new());
    let process = async || {
        let mut app = App::new();
        app.authenticator(OfConnection).event_log(log.clone());
        app.presence("presence").engine(engine.clone()).of::<User>().show::<Profile>();
        app.start().await.unwrap()
    };
    let (one, other) = (process().await, process().await);
    let mut ann = Client::connect(&one).await;
    log_in(&one, &ann, 2, "Ann").await;
    let (bob, tab) = (Client::connect(&one).await, Client::connect(&other).await);
    log_in(&one, &bob, 1, "Bob").await;
    log_in(&other, &tab, 1, "Bob").await;
    // Behind a shared log her own event comes after she has joined.
    assert_eq!(ann.event().await.data["name"], "Ann");
    assert_eq!(ann.event().await.data["name"], "Bob");
    assert_eq!(tab.service("presence").find().await.unwrap().as_array().unwrap().len(), 2);
    drop(bob);
    let carl = Client::connect(&other).await;
    log_in(&other, &carl, 3, "Carl").await;
    assert_eq!(ann.event().await.data["name"], "Carl");
    other.shutdown(std::time::Duration::ZERO).await.unwrap();
    let found = ann.service("presence").find().await.unwrap();
    assert_eq!(found, json!([{ "id": 2, "name": "Ann" }]));
}

/// Cannot be reached.
struct Away;

#[async_trait]
impl PresenceEngine for Away {
    async fn come(&self, _: Seat, _: &str, _: Payload, _: &(dyn Fn(PresenceEvent) + Send + Sync)) -> Result<()> {
        Err(Error::unavailable("away"))
    }

    async fn go(&self, _: Seat, _: &(dyn Fn(PresenceEvent) + Send + Sync)) -> Result<()> {
        Err(Error::unavailable("away"))
    }

    async fn end(&self, _: u128, _: &(dyn Fn(PresenceEvent) + Send + Sync)) -> Result<()> {
        Ok(())
    }

    async fn find(&self) -> Result<Vec<Payload>> {
        Err(Error::unavailable("away"))
    }
}

#[tokio::test]
async fn a_login_goes_on_where_the_engine_is_away() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.presence("presence").engine(Away).of::<User>().show::<Profile>();
    let app = app.start().await.unwrap();
    let ann = Client::connect(&app).await;
    log_in(&app, &ann, 2, "Ann").await;
    assert_eq!(ann.service("presence").find().await.unwrap_err().code(), 503);
    log_out(&app, &ann).await;
}
