//! What methods take from their calls, by type: the app, the connection, the caller, the placeholders of the path.

use feathers::app::{FromRequest, RequestParts};
use feathers::prelude::*;
use feathers::session::{Authenticator, HandshakeCredentials, Headers, Login};
use feathers_testing::Client;
use serde_json::Value;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
}

/// Knows the user who was put on a connection.
pub(crate) struct OfConnection;

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
        params.connection.as_ref()?.get::<Payload>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    room_id: u8,
    kind: Kind,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Open,
    Closed,
}

/// A type of the app's own, which borrows from the call.
struct Language<'r>(&'r str);

impl<'r> FromRequest<'r> for Language<'r> {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        let language = request.params.query.get("language").and_then(Value::as_str);
        language.map(Self).ok_or_else(|| Error::bad_request(format!("which language, {}?", request.path)))
    }
}

#[derive(Debug, Deserialize)]
struct Words {
    text: String,
}

struct Members;

#[service]
impl Members {
    /// In any order, and beside id and data.
    async fn create(
        &self,
        caller: Caller<User>,
        data: Words,
        app: &AppHandle,
        Route(place): Route<Place>,
    ) -> Result<Value> {
        let Place { room_id, kind } = place;
        Ok(json!([caller.name, data.text, app.services().len(), room_id, format!("{kind:?}")]))
    }

    async fn get(&self, params: &Params, id: i64, caller: Option<Caller<User>>) -> Result<Value> {
        Ok(json!([params.is_external(), id, caller.map(|Caller(user)| user.id)]))
    }

    async fn remove(&self, connection: &Connection, id: i64) -> Result<Value> {
        Ok(json!([connection.provider().name(), id]))
    }

    /// The first argument by value is one of the app's own, and not data.
    #[method]
    async fn greet<'a>(&'a self, language: Language<'a>, connection: Option<&'a Connection>) -> Result<Value> {
        Ok(json!([language.0, connection.is_some()]))
    }

    #[method]
    async fn say(&self, data: Words, language: Language<'_>) -> Result<Value> {
        Ok(json!([data.text, language.0]))
    }
}

#[derive(Debug, Deserialize)]
struct Other {
    door: Option<Uuid>,
    lamp: Option<bool>,
    name: Option<String>,
}

struct Others;

#[service]
impl Others {
    async fn find(&self, route: Route<Other>) -> Result<Value> {
        Ok(json!([route.door, route.lamp, route.name]))
    }

    #[method]
    async fn wrong(&self, _route: Route<Place>) -> Result<()> {
        Ok(())
    }

    #[method]
    async fn scalar(&self, _route: Route<i64>) -> Result<()> {
        Ok(())
    }
}

async fn app() -> AppHandle {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.service("rooms/:roomId/:kind/members", Members);
    app.service("doors/:door", Others);
    app.service("lamps/:lamp", Others);
    app.service("names/:name", Others);
    app.start().await.unwrap()
}

fn ann(client: &Client) {
    client.connection().insert(Payload::new(User { id: 7, name: "Ann".to_owned() }));
}

const ROOM: &str = "rooms/3/open/members";

#[tokio::test]
async fn methods_take_what_they_name_in_any_order() {
    let app = app().await;
    let client = Client::connect(&app).await;
    ann(&client);
    let made = client.service(ROOM).create(json!({ "text": "hi" })).await.unwrap();
    assert_eq!(made, json!(["Ann", "hi", 4, 3, "Open"]));
    assert_eq!(client.service(ROOM).get(1).await.unwrap(), json!([true, 1, 7]));
    assert_eq!(client.service(ROOM).remove(Some(Id::from(1))).await.unwrap(), json!(["test", 1]));

    let members = app.service(ROOM).unwrap();
    let asked = json!({ "language": "de" });
    let greeted = members.call("greet", Payload::NULL, asked.clone()).await.unwrap();
    assert_eq!(greeted.value().unwrap(), &json!(["de", false]));
    let said = members.call("say", json!({ "text": "hallo" }), asked).await.unwrap();
    assert_eq!(said.value().unwrap(), &json!(["hallo", "de"]));
}

#[tokio::test]
async fn a_call_without_what_its_method_takes_is_refused_before_its_data_is_looked_at() {
    let app = app().await;
    let client = Client::connect(&app).await;
    let error = client.service(ROOM).create(json!({ "no": "text" })).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (401, "Not authenticated"));
    assert_eq!(client.service(ROOM).get(1).await.unwrap(), json!([true, 1, null]));

    let members = app.service(ROOM).unwrap();
    let error = members.remove(Id::from("no number"), ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "'remove' must be called on a connection"));
    let error = members.call("say", json!({ "no": "text" }), json!({ "language": "de" })).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "validation failed"));
    let error = members.call("greet", Payload::NULL, ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "which language, rooms/:roomId/:kind/members?"));
}

#[tokio::test]
async fn placeholders_that_do_not_fit_are_a_404() {
    let app = app().await;
    let client = Client::connect(&app).await;
    ann(&client);
    let said = |text: &str| json!({ "text": text });
    for (path, message) in [
        ("rooms/three/open/members", "No record found for roomId 'three'"),
        ("rooms/03/open/members", "No record found for roomId '03'"),
        ("rooms/-3/open/members", "No record found for roomId '-3'"),
        ("rooms/300/open/members", "No record found for roomId '300'"),
        ("rooms/3/ajar/members", "No record found for kind 'ajar'"),
    ] {
        let error = client.service(path).create(said("hi")).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (404, message));
    }
    let found = client.service("rooms/255/closed/members").create(said("hi")).await.unwrap();
    assert_eq!(found, json!(["Ann", "hi", 4, 255, "Closed"]));

    let door = Uuid::nil();
    let found = client.service(&format!("doors/{door}")).find().await.unwrap();
    assert_eq!(found, json!([door, null, null]));
    assert_eq!(client.service("doors/front").find().await.unwrap_err().code(), 404);
    assert_eq!(client.service("lamps/true").find().await.unwrap(), json!([null, true, null]));
    assert_eq!(client.service("lamps/1").find().await.unwrap_err().code(), 404);
    assert_eq!(client.service("names/1").find().await.unwrap(), json!([null, null, "1"]));
}

#[tokio::test]
async fn a_struct_that_is_not_of_the_path_is_an_error_of_the_server() {
    let app = app().await;
    let doors = app.service("doors/front").unwrap();
    for (method, why) in [("wrong", "there is no `:roomId`"), ("scalar", "map where i64 is expected")] {
        let error = doors.call(method, Payload::NULL, ()).await.unwrap_err();
        assert_eq!(error.code(), 500, "{method}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains("'doors/:door'") && source.contains(why), "{source}");
    }
}

#[test]
fn only_data_has_a_schema() {
    let descriptor = Members.descriptor();
    let takes_data: Vec<_> = descriptor.methods.iter().map(|info| (info.method.name(), info.data.is_some())).collect();
    assert_eq!(takes_data, [("create", true), ("get", false), ("remove", false), ("greet", false), ("say", true)]);
}

/// A user record of another type than a method asks for is no mistake of the caller.
#[tokio::test]
async fn a_user_of_another_type_is_an_error_of_the_server() {
    let app = app().await;
    let client = Client::connect(&app).await;
    client.connection().insert(Payload::from(json!({ "id": "seven" })));
    let error = client.service(ROOM).get(1).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (500, "Internal server error"));
}
