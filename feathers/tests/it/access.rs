//! Access rules: what a caller may not read is not there for it, and what it may not change stays as it is.

mod hooks;
mod model;

use std::sync::Arc;

use feathers::app::{Access, Descriptor};
use feathers::prelude::*;
use feathers::query::Query;
use feathers::schema::Record;
use feathers::session::{Authenticator, HandshakeCredentials, Headers, Login};
use feathers::store::{Crud, MemoryStore, Store};
use feathers::{Method, Request, async_trait};
use feathers_testing::Client;
use serde_json::Value;

/// One ticket of a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    title: String,
    requester_id: i64,
    organisation_id: i64,
    assignee_id: Option<i64>,
    #[service(default)]
    closed: bool,
    #[service(default = 0.0)]
    #[serde(alias = "price")]
    cost: f64,
    #[service(default, hidden)]
    note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Role {
    Customer,
    Agent,
    Admin,
}

/// The user that the rules see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    organisation_id: i64,
    role: Role,
}

impl User {
    fn is_staff(&self) -> bool {
        self.role != Role::Customer
    }
}

/// Takes the user that a test has put on the connection.
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

/// A service over a store with custom methods.
struct Desk<S>(Crud<S>);

#[async_trait]
impl<S: Store<Record = Ticket>> feathers::Service for Desk<S> {
    type Record = Ticket;

    fn descriptor(&self) -> Descriptor {
        ["close", "list", "panic"].into_iter().fold(self.0.descriptor(), |all, name| all.method(name, ""))
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let Method::Custom(name) = request.method else { return self.0.call(request).await };
        let store = self.0.store();
        if &**name == "close" {
            let id = Id::from_json(&request.data.value()?["id"])?.unwrap_or(0.into());
            let patch = TicketPatch { closed: Some(true), ..TicketPatch::default() };
            let closed = store.patch(Some(&id), patch, &Query::default(), &request.store).await?;
            return Ok(closed.into_iter().next().map_or(Payload::NULL, |ticket| Payload::new(Ticket::clone(&ticket))));
        }
        let all = store.find(&Query::default(), &request.store).await?.records;
        Ok(Payload::new(json!({ "tickets": all, "first": all.first() })))
    }
}

fn rules() -> Access<Ticket, User> {
    let own = |user: &User| match user.role {
        Role::Customer => Ticket::REQUESTER_ID.eq(user.id),
        _ => Ticket::ORGANISATION_ID.eq(user.organisation_id),
    };
    Access::of::<User>()
        .read(own)
        .create(own)
        .patch(move |user| own(user) & (Ticket::CLOSED.eq(false) | user.is_staff().into()))
        .update(User::is_staff)
        .remove(|user| user.role == Role::Admin)
        .method("close", |user| Ticket::ASSIGNEE_ID.eq(user.id))
        .method("list", |_| true)
        .method("panic", |_| -> bool { panic!("a mistake in a rule") })
        .field(Ticket::COST, User::is_staff)
}

async fn serve(sqlite: bool, rules: Access<Ticket, User>) -> AppHandle {
    let mut app = App::new();
    app.authenticator(OfConnection);
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        let store = database.store::<Ticket>().await.unwrap();
        app.service("tickets", Desk(store.multi(true).paginate(Paginate::new(10)))).access(rules);
    } else {
        let store = Crud::with_store(MemoryStore::<Ticket>::new(Ticket::schema()));
        app.service("tickets", Desk(store.multi(true).paginate(Paginate::new(10)))).access(rules);
    }
    app.start().await.unwrap()
}

async fn client(app: &AppHandle, id: i64, organisation_id: i64, role: Role) -> Client {
    let client = Client::connect(app).await;
    client.connection().insert(Payload::new(User { id, organisation_id, role }));
    client
}

/// Two organisations: customers 1 and 2 are of the first, 3 is of the second.
async fn three_tickets(app: &AppHandle) {
    let ticket = |requester: i64, organisation: i64| json!({ "title": format!("canary {requester}"), "requester_id": requester, "organisation_id": organisation, "cost": 9.5 });
    app.service("tickets").unwrap().create(json!([ticket(1, 1), ticket(2, 1), ticket(3, 2)]), ()).await.unwrap();
}

async fn stored(app: &AppHandle, id: i64) -> Value {
    app.service("tickets").unwrap().get(id, ()).await.unwrap().value().unwrap().clone()
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> u16 {
    result.err().map_or(200, |error| error.code())
}

fn ids(page: &Value) -> (Vec<i64>, i64) {
    let records = page["data"].as_array().unwrap();
    (records.iter().map(|record| record["id"].as_i64().unwrap()).collect(), page["total"].as_i64().unwrap())
}

#[tokio::test]
async fn what_a_caller_may_not_read_is_not_there_for_it() {
    for sqlite in [false, true] {
        let app = serve(sqlite, rules()).await;
        three_tickets(&app).await;
        let customer = client(&app, 1, 1, Role::Customer).await;
        let agent = client(&app, 8, 1, Role::Agent).await;
        let (theirs, all) = (customer.service("tickets"), agent.service("tickets"));
        assert_eq!(ids(&theirs.find().await.unwrap()), (vec![1], 1));
        assert_eq!(ids(&all.find().await.unwrap()), (vec![1, 2], 2));
        assert_eq!(theirs.get(1).await.unwrap()["title"], "canary 1");
        let missing = theirs.get(99).await.unwrap_err().to_string().replace("99", "2");
        assert_eq!(theirs.get(2).await.unwrap_err().to_string(), missing, "as if it did not exist");
        // Neither a condition nor a page shows more.
        for query in
            [json!({ "id": 2 }), json!({ "$or": [{ "id": 2 }, { "id": 3 }] }), json!({ "requester_id": { "$ne": 1 } })]
        {
            assert_eq!(ids(&theirs.clone().query(query).find().await.unwrap()), (vec![], 0));
        }
        let page = theirs.clone().query(json!({ "$limit": 0 })).find().await.unwrap();
        assert_eq!(page["total"], 1);
        for id in [2, 3] {
            assert_eq!(code(theirs.patch(Id::from(id), json!({ "title": "x" })).await), 404);
            assert_eq!(
                code(theirs.clone().query(json!({ "id": id })).patch(Id::from(id), json!({ "title": "x" })).await),
                404
            );
        }
        let admin = client(&app, 9, 1, Role::Admin).await;
        assert_eq!(code(admin.service("tickets").remove(Id::from(3)).await), 404);
        // Of many, those that are there for the caller.
        let patched = theirs.patch(None, json!({ "title": "mine" })).await.unwrap();
        assert_eq!(patched.as_array().unwrap().len(), 1);
        assert_eq!(stored(&app, 2).await["title"], "canary 2");
    }
}

#[tokio::test]
async fn a_write_that_a_rule_refuses_stores_nothing() {
    for sqlite in [false, true] {
        let app = serve(sqlite, rules()).await;
        three_tickets(&app).await;
        let customer = client(&app, 1, 1, Role::Customer).await;
        let tickets = customer.service("tickets");
        let new = |requester: i64| json!({ "title": "new", "requester_id": requester, "organisation_id": 1 });
        assert_eq!(code(tickets.create(new(2)).await), 403);
        assert_eq!(code(tickets.create(json!([new(1), new(2)])).await), 403, "one denied is all refused");
        assert_eq!(code(tickets.create(new(1)).await), 200);
        let all = app.service("tickets").unwrap().find(()).await.unwrap();
        assert_eq!(all.value().unwrap()["total"], 4);
        // Not to where it could not be made.
        assert_eq!(code(tickets.patch(Id::from(1), json!({ "requester_id": 2 })).await), 403);
        assert_eq!(code(tickets.patch(None, json!({ "requester_id": 2 })).await), 403);
        assert_eq!(stored(&app, 1).await["requester_id"], 1);
        // Visible, and not to be changed.
        assert_eq!(code(tickets.patch(Id::from(1), json!({ "closed": true })).await), 403);
        assert_eq!(code(tickets.update(1, new(1)).await), 403);
        assert_eq!(code(tickets.remove(Id::from(1)).await), 403);
        let agent = client(&app, 8, 1, Role::Agent).await;
        assert_eq!(
            agent.service("tickets").patch(Id::from(1), json!({ "closed": true })).await.unwrap()["closed"],
            true
        );
        assert_eq!(code(tickets.patch(Id::from(1), json!({ "title": "x" })).await), 403);
        assert_eq!(code(tickets.patch(None, json!({ "title": "x" })).await), 403, "one denied is all refused");
        assert_eq!(stored(&app, 4).await["title"], "new");
        let admin = client(&app, 9, 1, Role::Admin).await;
        assert_eq!(admin.service("tickets").remove(Id::from(2)).await.unwrap()["id"], 2);
    }
}

#[tokio::test]
async fn a_field_that_a_caller_may_not_see_does_not_exist_for_it() {
    for sqlite in [false, true] {
        let app = serve(sqlite, rules()).await;
        three_tickets(&app).await;
        let customer = client(&app, 1, 1, Role::Customer).await;
        let agent = client(&app, 8, 1, Role::Agent).await;
        let (theirs, all) = (customer.service("tickets"), agent.service("tickets"));
        assert_eq!(all.get(1).await.unwrap()["cost"], 9.5);
        let answers = [
            theirs.get(1).await.unwrap(),
            theirs.find().await.unwrap()["data"][0].clone(),
            theirs.patch(Id::from(1), json!({ "title": "x" })).await.unwrap(),
            theirs.patch(None, json!({ "title": "y" })).await.unwrap()[0].clone(),
            theirs.clone().query(json!({ "$select": ["title"] })).get(1).await.unwrap(),
            theirs.call("list", json!({})).await.unwrap()["first"].clone(),
            theirs.create(json!({ "title": "z", "requester_id": 1, "organisation_id": 1 })).await.unwrap(),
        ];
        for answer in answers {
            assert!(answer["id"].is_i64() && answer.get("cost").is_none() && answer.get("note").is_none(), "{answer}");
        }
        // The same 400 as that of a field that no record has, and as that of a hidden one.
        let refused = |query: fn(&str) -> Value| {
            let (theirs, all) = (&theirs, &all);
            async move {
                let withheld = theirs.clone().query(query("cost")).find().await.unwrap_err();
                let unknown = theirs.clone().query(query("nope")).find().await.unwrap_err();
                assert_eq!(withheld.code(), 400);
                assert_eq!(format!("{:?}", withheld.data()).replace("cost", "nope"), format!("{:?}", unknown.data()));
                assert_eq!(code(all.clone().query(query("cost")).find().await), 200);
            }
        };
        refused(|name| json!({ name: 9.5 })).await;
        refused(|name| json!({ "$or": [{ name: { "$gt": 3 } }] })).await;
        refused(|name| json!({ "$sort": { name: 1 } })).await;
        refused(|name| json!({ "$select": [name] })).await;
        let with = |name: &str| json!({ "title": "z", "requester_id": 1, "organisation_id": 1, name: 1 });
        for name in ["cost", "price"] {
            let errors = [
                theirs.create(with(name)).await.unwrap_err(),
                theirs.create(json!([with(name)])).await.unwrap_err(),
                theirs.patch(Id::from(1), json!({ name: 1 })).await.unwrap_err(),
                theirs.patch(None, json!({ name: 1 })).await.unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.code(), 400);
                assert!(format!("{error:?}").contains("must NOT have additional properties"), "{error:?}");
            }
        }
        assert_eq!(stored(&app, 1).await["cost"], 9.5);
    }
}

#[tokio::test]
async fn an_update_keeps_the_fields_that_its_caller_may_not_see() {
    for sqlite in [false, true] {
        let rules = Access::of::<User>()
            .read(|_| true)
            .update(|user| Ticket::REQUESTER_ID.eq(user.id))
            .field(Ticket::COST, User::is_staff);
        let app = serve(sqlite, rules).await;
        three_tickets(&app).await;
        let customer = client(&app, 1, 1, Role::Customer).await;
        let tickets = customer.service("tickets");
        let data = json!({ "title": "replaced", "requester_id": 1, "organisation_id": 1 });
        let updated = tickets.update(1, data.clone()).await.unwrap();
        assert_eq!((&updated["title"], updated.get("cost")), (&json!("replaced"), None));
        assert_eq!(stored(&app, 1).await["cost"], 9.5);
        assert_eq!(code(tickets.update(2, data.clone()).await), 403);
        assert_eq!(code(tickets.update(99, data).await), 404);
        assert_eq!(
            code(tickets.update(1, json!({ "title": "x", "requester_id": 1, "organisation_id": 1, "cost": 1 })).await),
            400
        );
    }
}

#[tokio::test]
async fn custom_methods_are_checked_before_they_run_and_answer_only_what_may_be_read() {
    for sqlite in [false, true] {
        let app = serve(sqlite, rules()).await;
        three_tickets(&app).await;
        let agent = client(&app, 8, 1, Role::Agent).await;
        let tickets = agent.service("tickets");
        assert_eq!(code(tickets.call("close", json!({ "id": 3 })).await), 404);
        assert_eq!(code(tickets.call("close", json!({ "id": 1 })).await), 403);
        assert_eq!(code(tickets.call("close", json!({})).await), 400);
        assert_eq!(stored(&app, 1).await["closed"], false);
        tickets.patch(Id::from(1), json!({ "assignee_id": 8 })).await.unwrap();
        assert_eq!(tickets.call("close", json!({ "id": 1 })).await.unwrap()["closed"], true);
        let all = tickets.call("list", json!({})).await.unwrap();
        let ids: Vec<_> = all["tickets"].as_array().unwrap().iter().map(|ticket| &ticket["id"]).collect();
        assert_eq!(ids, [1, 2]);
        let other = client(&app, 3, 2, Role::Customer).await;
        let all = other.service("tickets").call("list", json!({})).await.unwrap();
        assert_eq!((&all["first"], all["tickets"].as_array().unwrap().len()), (&Value::Null, 1));
        assert!(!all.to_string().contains("canary 1") && !all.to_string().contains("cost"));
    }
}

#[tokio::test]
async fn what_has_no_rule_is_refused_and_a_rule_that_panics_gives_no_right() {
    let app =
        serve(false, Access::of::<User>().read(|_| true).method("panic", |_| -> bool { panic!("a mistake") })).await;
    three_tickets(&app).await;
    let customer = client(&app, 1, 1, Role::Customer).await;
    let tickets = customer.service("tickets");
    assert_eq!(code(tickets.get(1).await), 200);
    assert_eq!(code(tickets.create(json!({})).await), 403);
    assert_eq!(code(tickets.remove(Id::from(1)).await), 403);
    assert_eq!(code(tickets.call("list", json!({})).await), 403);
    assert_eq!(code(tickets.call("panic", json!({})).await), 500);
    // A panic in the rule for reading.
    let app = serve(false, Access::of::<User>().read(|_| -> bool { panic!("a mistake") }).create(|_| true)).await;
    let customer = client(&app, 1, 1, Role::Customer).await;
    assert_eq!(code(customer.service("tickets").find().await), 500);
}

#[tokio::test]
async fn anonymous_callers_may_only_what_is_said_for_them() {
    let rules = || Access::of::<User>().read(|_| true).remove(|_| true).field(Ticket::COST, |_| true);
    let app = serve(false, rules()).await;
    three_tickets(&app).await;
    let visitor = Client::connect(&app).await;
    assert_eq!(code(visitor.service("tickets").find().await), 401);
    let app = serve(false, rules().anonymous(|anyone| anyone.read(Ticket::CLOSED.eq(true)).create(true))).await;
    three_tickets(&app).await;
    app.service("tickets").unwrap().patch(Id::from(2), json!({ "closed": true }), ()).await.unwrap();
    let visitor = Client::connect(&app).await;
    let tickets = visitor.service("tickets");
    let found = tickets.find().await.unwrap();
    assert_eq!(ids(&found), (vec![2], 1));
    assert_eq!(found["data"][0].get("cost"), None);
    assert_eq!(code(tickets.remove(Id::from(2)).await), 401);
    // It has written what it may not read: the answer is its id.
    let created = tickets.create(json!({ "title": "x", "requester_id": 5, "organisation_id": 1 })).await.unwrap();
    assert_eq!(created, json!({ "id": 4 }));
    let created = tickets.create(json!([{ "title": "x", "requester_id": 5, "organisation_id": 1, "closed": true }, { "title": "y", "requester_id": 5, "organisation_id": 1 }])).await.unwrap();
    assert_eq!((&created[0]["title"], &created[1]), (&json!("x"), &json!({ "id": 6 })));
    // A user whose record does not fit has no access.
    let other = Client::connect(&app).await;
    other.connection().insert(Payload::from(json!({ "name": "robot" })));
    assert_eq!(code(other.service("tickets").find().await), 403);
}

#[tokio::test]
async fn calls_from_inside_have_all_rights_unless_they_are_made_as_the_caller() {
    let app = serve(true, rules()).await;
    three_tickets(&app).await;
    let customer = client(&app, 1, 1, Role::Customer).await;
    let tickets = app.service("tickets").unwrap();
    assert_eq!(tickets.find(()).await.unwrap().value().unwrap()["total"], 3);
    let mut params = Params::new();
    params.provider = Some(feathers::call::Provider::new("test"));
    params.connection = Some(customer.connection().clone());
    let found = tickets.find(params.as_caller()).await.unwrap();
    assert_eq!(ids(found.value().unwrap()), (vec![1], 1));
    assert!(found.value().unwrap()["data"][0].get("cost").is_none());
    assert_eq!(code(tickets.get(2, params.as_caller()).await), 404);
    assert_eq!(code(tickets.patch(Id::from(1), json!({ "cost": 1 }), params.as_caller()).await), 400);
    assert_eq!(code(tickets.remove(Id::from(1), params.as_caller().as_caller()).await), 403);
    let typed = app.typed::<Ticket>("tickets").unwrap();
    assert_eq!(code(typed.get(2, params.as_caller()).await), 404);
    // Of a call from inside, the caller is the server.
    assert_eq!(code(tickets.get(2, Params::new().as_caller()).await), 200);
}

#[tokio::test]
async fn events_are_of_whole_records_whatever_the_caller_may_see() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let listener = heard.clone();
    app.service("tickets", Memory::<Ticket>::new()).access(rules_of_store()).on_event("created", move |event, _| {
        listener.lock().unwrap().push(event.data.value().unwrap().clone());
    });
    let app = app.start().await.unwrap();
    let customer = client(&app, 1, 1, Role::Customer).await;
    let created =
        customer.service("tickets").create(json!({ "title": "x", "requester_id": 1, "organisation_id": 1 })).await;
    assert_eq!(created.unwrap().get("cost"), None);
    assert_eq!(heard.lock().unwrap()[0]["cost"], 0.0);
}

fn rules_of_store() -> Access<Ticket, User> {
    Access::of::<User>().read(|_| true).create(|_| true).field(Ticket::COST, User::is_staff)
}

#[tokio::test]
async fn rules_that_fit_nothing_stop_the_start() {
    let start = async |rules: Access<Ticket, User>| {
        let mut app = App::new();
        app.service("tickets", Memory::<Ticket>::new()).access(rules);
        app.start().await.unwrap_err().message().to_owned()
    };
    let twice = start(Access::of::<User>().read(|_| true).read(|_| false)).await;
    assert_eq!(twice, "service 'tickets': there are two access rules for reading");
    let twice = start(Access::of::<User>().patch(|_| true).patch(|_| false)).await;
    assert_eq!(twice, "service 'tickets': there are two access rules for 'patch'");
    let unknown = start(Access::of::<User>().method("archive", |_| true)).await;
    assert!(unknown.contains("an access rule for 'archive', and its methods are 'find', 'get'"), "{unknown}");
    let standard = start(Access::of::<User>().method("get", |_| true)).await;
    assert!(standard.contains("is set by `.read(..)`"), "{standard}");
    let id = start(Access::of::<User>().field(Ticket::ID, |_| true)).await;
    assert!(id.contains("'id', which is the id"), "{id}");
    let twice = start(Access::of::<User>().field(Ticket::COST, |_| true).field(Ticket::COST, |_| true)).await;
    assert!(twice.contains("two access rules for the field 'cost'"), "{twice}");
    let mut app = App::new();
    app.service("tickets", Memory::<Ticket>::new()).access(rules_of_store()).access(rules_of_store());
    assert!(app.start().await.unwrap_err().message().contains("its access is set twice"));
}
