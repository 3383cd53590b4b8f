//! An app with tickets, their rules, and users who connect by name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use feathers_core::query::TypedField;
use feathers_core::{
    Access, App, AppHandle, Authenticator, Connection, Cursor, Document, Handshake, HandshakeCredentials, Headers,
    Login, Memory, Mount, Params, Payload, Provider, Result, Session, Since, Subscription, async_trait,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::show;

const OWNER: TypedField<Document, i64> = TypedField::new("owner");
const ORG: TypedField<Document, i64> = TypedField::new("org");
const PUBLISHED: TypedField<Document, bool> = TypedField::new("published");
const COST: TypedField<Document, Value> = TypedField::new("cost");

#[derive(Deserialize)]
pub(crate) struct User {
    id: i64,
    org: i64,
    role: String,
}

/// A customer reads its own tickets, an agent those of the organisation, and anyone what is published.
pub(crate) fn rules() -> Access<Document, User> {
    Access::of::<User>()
        .read(|user| match &*user.role {
            "customer" => OWNER.eq(user.id),
            "agent" => ORG.eq(user.org) | PUBLISHED.eq(true),
            "broken" => panic!("a rule that fails"),
            _ => false.into(),
        })
        .create(|_| true)
        .field(COST, |user| user.role == "agent")
        .anonymous(|anyone| anyone.read(PUBLISHED.eq(true)))
}

pub(crate) fn tickets(app: &mut App) -> &mut Mount<Document> {
    app.service("tickets", Memory::<Document>::new().multi(true)).events(["ringing"]).access(rules())
}

/// Who is a member of which organisation, beside the store.
#[derive(Clone, Default)]
pub(crate) struct Members(Arc<Mutex<Vec<(i64, i64)>>>);

impl Members {
    pub(crate) fn note(&self, member: &Value) {
        let number = |name: &str| member[name].as_i64().unwrap();
        self.0.lock().unwrap().push((number("user"), number("org")));
    }
}

/// A user reads the tickets of the organisations whose member it is.
pub(crate) fn rules_of_members() -> (Access<Document, User>, Members) {
    let members = Members::default();
    let known = members.clone();
    let access = Access::of::<User>().depends_on(["/members"]).read(move |user| {
        let known = known.0.lock().unwrap();
        ORG.one_of(known.iter().filter(|(member, _)| *member == user.id).map(|(_, org)| *org))
    });
    (access, members)
}

/// The records of the users.
#[derive(Clone, Default)]
pub(crate) struct Users(Arc<Mutex<HashMap<String, Value>>>);

impl Users {
    pub(crate) fn set(&self, name: &str, user: Value) {
        self.0.lock().unwrap().insert(name.to_owned(), user);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Payload> {
        self.0.lock().unwrap().get(name).cloned().map(Payload::from)
    }
}

/// Knows the user of a connection by the word `as` of its query.
struct ByName(Users);

#[async_trait]
impl Authenticator for ByName {
    fn path(&self) -> &'static str {
        "logins"
    }

    async fn admit(&self, connection: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        let name = connection.query().get("as").and_then(Value::as_str);
        connection.set_subject(name);
        Ok(name.map(|_| login(connection)))
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user(&self, params: &Params) -> Option<Payload> {
        self.user_of(params.connection.as_ref()?)
    }

    fn user_of(&self, connection: &Connection) -> Option<Payload> {
        self.0.get(&connection.subject()?)
    }
}

fn login(connection: &Connection) -> Login {
    let mut params = Params::new();
    params.connection = Some(connection.clone());
    Login::new(Payload::NULL, params)
}

pub(crate) struct World {
    pub(crate) app: AppHandle,
    pub(crate) users: Users,
    clients: Mutex<Vec<(String, Connection)>>,
}

impl World {
    pub(crate) async fn start(build: impl FnOnce(&mut App)) -> Self {
        let users = Users::default();
        for (name, id, org, role) in
            [("ann", 1, 1, "customer"), ("bob", 2, 1, "customer"), ("agent", 3, 1, "agent"), ("broken", 9, 1, "broken")]
        {
            users.set(name, json!({ "id": id, "org": org, "role": role }));
        }
        users.set("stranger", json!({ "id": 8, "org": 1, "role": "none" }));
        let mut app = App::new();
        app.authenticator(ByName(users.clone()));
        build(&mut app);
        Self { app: app.start().await.unwrap(), users, clients: Mutex::default() }
    }

    /// Changes the record of a user, as a service of users would.
    pub(crate) fn set_user(&self, name: &str, user: Value) {
        self.users.set(name, user.clone());
        let clients = self.clients.lock().unwrap().clone();
        for (_, connection) in clients.iter().filter(|(own, _)| own == name) {
            self.app.recheck_rights(connection);
        }
        self.app.user_changed(name, &user.into());
    }

    pub(crate) async fn client(&self, name: &str) -> Client {
        self.open(json!({ "as": name }), Since::Now).await
    }

    pub(crate) async fn client_since(&self, name: &str, cursor: Cursor) -> Client {
        self.open(json!({ "as": name }), Since::Cursor(cursor)).await
    }

    pub(crate) async fn anonymous_since(&self, cursor: Cursor) -> Client {
        self.open(json!({}), Since::Cursor(cursor)).await
    }

    pub(crate) async fn anonymous(&self) -> Client {
        self.open(json!({}), Since::Now).await
    }

    async fn open(&self, query: Value, since: Since) -> Client {
        let Value::Object(query) = query else { panic!("a query is an object") };
        let name = query.get("as").and_then(Value::as_str).unwrap_or_default().to_owned();
        let handshake = Handshake::new(Provider::new("test")).query(query).since(since);
        let session = self.app.open(handshake).await.unwrap();
        self.clients.lock().unwrap().push((name, session.connection().clone()));
        Client { events: session.subscribe(), app: self.app.clone(), session }
    }

    pub(crate) async fn create(&self, data: Value) {
        self.app.service("tickets").unwrap().create(data, ()).await.unwrap();
    }

    pub(crate) async fn patch(&self, id: i64, data: Value) {
        self.app.service("tickets").unwrap().patch(Some(id.into()), data, ()).await.unwrap();
    }

    pub(crate) async fn patch_all(&self, data: Value) {
        self.app.service("tickets").unwrap().patch(None, data, ()).await.unwrap();
    }

    pub(crate) async fn update(&self, id: i64, data: Value) {
        self.app.service("tickets").unwrap().update(id, data, ()).await.unwrap();
    }

    pub(crate) async fn remove(&self, id: i64) {
        self.app.service("tickets").unwrap().remove(Some(id.into()), ()).await.unwrap();
    }
}

pub(crate) struct Client {
    app: AppHandle,
    pub(crate) session: Session,
    pub(crate) events: Subscription,
}

impl Client {
    pub(crate) fn connection(&self) -> &Connection {
        self.session.connection()
    }

    pub(crate) fn cursor(&self) -> Cursor {
        self.events.cursor()
    }

    /// Returns what has come, as `name data`.
    pub(crate) fn seen(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.events.try_next()).map(|delivery| show(&delivery)).collect()
    }

    pub(crate) async fn log_in(&self, name: &str) {
        self.connection().set_subject(Some(name));
        self.app.login(&login(self.connection())).await;
    }

    pub(crate) async fn log_out(&self) {
        self.connection().set_subject(None);
        self.app.logout(&login(self.connection())).await;
    }

    /// Returns what a `find` of this client answers, by id.
    pub(crate) async fn find(&self) -> Vec<Value> {
        let found = self.app.service("tickets").unwrap().find(self.session.params()).await.unwrap();
        found.value().unwrap().as_array().cloned().unwrap_or_default()
    }
}
