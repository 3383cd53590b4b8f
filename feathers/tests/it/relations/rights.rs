//! The rights of the related service: what a caller may not read is null, left out, or finds nothing.

use feathers::app::Access;
use feathers::async_trait;
use feathers::prelude::*;
use feathers::schema::{Related, RelatedMany};
use feathers::session::{Authenticator, HandshakeCredentials, Headers, Login};
use feathers_testing::Client;
use serde_json::Value;

use super::support::{find, get};

/// An account, which only the same team reads; its phone number is for the boss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Account {
    #[service(id)]
    id: i64,
    team: i64,
    name: String,
    phone: String,
    #[service(hidden)]
    password: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Task {
    #[service(id)]
    id: i64,
    title: String,
    owner_id: i64,
    /// For the boss only.
    judge_id: i64,
    #[service(belongs_to(owner_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    owner: Related<Account>,
    #[service(belongs_to(judge_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    judge: Related<Account>,
    #[service(has_many(task_id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    notes: RelatedMany<Note>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    task_id: i64,
    writer_id: i64,
    text: String,
    #[service(belongs_to(writer_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    writer: Related<Account>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Caller {
    id: i64,
    team: i64,
    boss: bool,
}

struct OfConnection;

#[async_trait]
impl Authenticator for OfConnection {
    fn path(&self) -> &'static str {
        "logins"
    }

    async fn admit(&self, _: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        Ok(None)
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user(&self, params: &Params) -> Option<Payload> {
        params.connection.as_ref().and_then(|connection| self.user_of(connection))
    }

    fn user_of(&self, connection: &Connection) -> Option<Payload> {
        connection.get()
    }
}

async fn serve() -> AppHandle {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.service("accounts", Memory::<Account>::new().multi(true)).access(
        Access::of::<Caller>().read(|caller| Account::TEAM.eq(caller.team)).field(Account::PHONE, |caller| caller.boss),
    );
    app.service("notes", Memory::<Note>::new().multi(true))
        .access(Access::of::<Caller>().read(|caller| Note::WRITER_ID.eq(caller.id) | caller.boss.into()));
    app.service("tasks", Memory::<Task>::new().multi(true))
        .access(Access::of::<Caller>().read(|_| true).patch(|_| true).field(Task::JUDGE_ID, |caller| caller.boss))
        .populate(["owner", "judge", "notes.writer"])
        .filter_through(["owner.phone", "owner.name", "judge.name", "notes.text"]);
    let app = app.start().await.unwrap();
    let create = async |path: &str, data: Value| drop(app.service(path).unwrap().create(data, ()).await.unwrap());
    create(
        "accounts",
        json!([
            { "team": 1, "name": "Ann", "phone": "11", "password": "hush" },
            { "team": 2, "name": "Bob", "phone": "22", "password": "hush" }
        ]),
    )
    .await;
    create(
        "tasks",
        json!([{ "title": "a", "owner_id": 1, "judge_id": 1 }, { "title": "b", "owner_id": 2, "judge_id": 1 }]),
    )
    .await;
    create(
        "notes",
        json!([{ "task_id": 1, "writer_id": 1, "text": "x" }, { "task_id": 1, "writer_id": 2, "text": "y" }]),
    )
    .await;
    app
}

async fn client(app: &AppHandle, id: i64, team: i64, boss: bool) -> Client {
    let client = Client::connect(app).await;
    client.connection().insert(Payload::new(Caller { id, team, boss }));
    client
}

#[tokio::test]
async fn what_a_caller_may_not_read_is_null_or_left_out() {
    let app = serve().await;
    let ann = client(&app, 1, 1, false).await;
    let found = find(&ann, "tasks", json!({})).await.unwrap();
    let own = json!({ "id": 1, "team": 1, "name": "Ann" });
    assert_eq!([&found[0]["owner"], &found[1]["owner"]], [&own, &Value::Null]);
    assert_eq!(found[0]["notes"], json!([{ "id": 1, "task_id": 1, "writer_id": 1, "text": "x", "writer": own }]));
    // The key is nothing for her, and so is the record that it leads to.
    assert_eq!((found[0].get("judge_id"), &found[0]["judge"]), (None, &Value::Null));

    let boss = client(&app, 2, 1, true).await;
    let task = get(&boss, "tasks", 1, json!({})).await.unwrap();
    assert_eq!(task["owner"], json!({ "id": 1, "team": 1, "name": "Ann", "phone": "11" }));
    assert_eq!((&task["judge"]["name"], &task["notes"][1]["text"]), (&json!("Ann"), &json!("y")));
    assert_eq!(task["notes"][1]["writer"], Value::Null, "of another team");

    // The answer to a change, too.
    let patched = ann.service("tasks").patch(Some(2.into()), json!({ "title": "c" })).await.unwrap();
    assert_eq!((&patched["owner"], &patched["judge"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_filter_finds_nothing_out_that_its_caller_may_not_read() {
    let app = serve().await;
    let ann = client(&app, 1, 1, false).await;
    let boss = client(&app, 2, 1, true).await;
    let ids = async |client: &Client, query: Value| {
        let found = find(client, "tasks", query).await?;
        Ok::<_, Error>(found.as_array().unwrap().iter().map(|task| task["id"].clone()).collect::<Value>())
    };
    assert_eq!(ids(&ann, json!({ "owner.name": "Ann" })).await.unwrap(), json!([1]));
    assert_eq!(ids(&ann, json!({ "owner.name": "Bob" })).await.unwrap(), json!([]), "of another team");
    assert_eq!(ids(&ann, json!({ "owner.name": { "$ne": "Ann" } })).await.unwrap(), json!([]));
    assert_eq!(ids(&ann, json!({ "notes.text": "y" })).await.unwrap(), json!([]), "of another writer");
    assert_eq!(ids(&boss, json!({ "notes.text": "y" })).await.unwrap(), json!([1]));
    // A field and a key that the caller may not see.
    assert_eq!(ids(&boss, json!({ "owner.phone": "11" })).await.unwrap(), json!([1]));
    assert_eq!(ids(&ann, json!({ "owner.phone": "11" })).await.unwrap_err().code(), 400);
    assert_eq!(ids(&boss, json!({ "judge.name": "Ann" })).await.unwrap(), json!([1, 2]));
    assert_eq!(ids(&ann, json!({ "judge.name": "Ann" })).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn events_have_nothing_of_a_service_with_rules() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.service("accounts", Memory::<Account>::new()).access(Access::of::<Caller>().read(|_| true));
    app.service("notes", Memory::<Note>::new());
    app.service("tasks", Memory::<Task>::new())
        .populate(["owner", "notes.writer"])
        .publish(|_, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    let app = app.start().await.unwrap();
    let account = json!({ "team": 1, "name": "Ann", "phone": "11", "password": "hush" });
    app.service("accounts").unwrap().create(account, ()).await.unwrap();
    let note = json!({ "task_id": 1, "writer_id": 1, "text": "x" });
    app.service("notes").unwrap().create(note, ()).await.unwrap();

    let mut ann = client(&app, 1, 1, false).await;
    let task = json!({ "title": "a", "owner_id": 1, "judge_id": 1 });
    let answer = ann.service("tasks").create(task).await.unwrap();
    assert_eq!((&answer["owner"]["name"], &answer["notes"][0]["writer"]["name"]), (&json!("Ann"), &json!("Ann")));
    let event = ann.event().await.data;
    let note = json!({ "id": 1, "task_id": 1, "writer_id": 1, "text": "x", "writer": null });
    assert_eq!((&event["owner"], &event["notes"]), (&Value::Null, &json!([note])));
}
