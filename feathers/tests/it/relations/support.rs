//! What the tests of relations serve: messages and their authors, and a store that counts its finds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use feathers::app::{IntoMount, Mount};
use feathers::prelude::*;
use feathers::query::{FindResult, Query};
use feathers::schema::{Record, Related, Schema};
use feathers::store::{Crud, FoundPerKey, MemoryStore, PerKey, Store, StoreContext};
use feathers_testing::Client;
use serde_json::Value;

/// An author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
pub(super) struct User {
    #[service(id)]
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) email: String,
    #[service(hidden)]
    pub(super) password: String,
}

/// A message of an author.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[service(id)]
    pub(super) id: i64,
    pub(super) text: String,
    pub(super) user_id: Option<i64>,
    /// The author.
    #[service(belongs_to(user_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    pub(super) user: Related<User>,
}

/// The two services, before they are mounted.
pub(super) struct Mounts {
    pub(super) users: Mount<User>,
    pub(super) messages: Mount<Message>,
}

/// Serves both from memory or SQLite; all clients get their events.
pub(super) async fn serve(sqlite: bool, change: impl FnOnce(&mut Mounts)) -> AppHandle {
    let mut mounts = if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        Mounts {
            users: database.store::<User>().await.unwrap().multi(true).into_mount(),
            messages: database.store::<Message>().await.unwrap().multi(true).into_mount(),
        }
    } else {
        Mounts {
            users: Memory::<User>::new().multi(true).into_mount(),
            messages: Memory::<Message>::new().multi(true).into_mount(),
        }
    };
    change(&mut mounts);
    let mut app = App::new();
    app.service("users", mounts.users);
    app.service("messages", mounts.messages).publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    app.start().await.unwrap()
}

fn people() -> Value {
    json!([
        { "name": "Ann", "email": "ann@example.com", "password": "hush" },
        { "name": "Bob", "email": "bob@example.com", "password": "hush" }
    ])
}

/// Makes two users and their messages.
pub(super) async fn seed(app: &AppHandle) {
    app.service("users").unwrap().create(people(), ()).await.unwrap();
    let messages = json!([
        { "text": "one", "userId": 1 }, { "text": "two", "userId": 2 }, { "text": "three", "userId": 1 },
        { "text": "lost", "userId": 9 }, { "text": "of none" }
    ]);
    app.service("messages").unwrap().create(messages, ()).await.unwrap();
}

/// Lists records with a query.
pub(super) async fn find(client: &Client, path: &str, query: Value) -> Result<Value> {
    client.service(path).query(query).find().await
}

/// Reads a record with a query.
pub(super) async fn get(client: &Client, path: &str, id: i64, query: Value) -> Result<Value> {
    client.service(path).query(query).get(id).await
}

/// A store that counts how often something is found in it.
pub(super) struct Counting<S> {
    store: Arc<S>,
    finds: Arc<AtomicUsize>,
}

impl<S: Store> Store for Counting<S> {
    type Record = S::Record;

    fn schema(&self) -> &Schema {
        self.store.schema()
    }

    async fn find(&self, query: &Query, context: &StoreContext<'_>) -> Result<FindResult<S::Record>> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        self.store.find(query, context).await
    }

    async fn find_per_key(
        &self,
        query: &Query,
        per_key: &PerKey,
        context: &StoreContext<'_>,
    ) -> Result<FoundPerKey<S::Record>> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        self.store.find_per_key(query, per_key, context).await
    }

    async fn get(&self, id: &Id, query: &Query, context: &StoreContext<'_>) -> Result<Option<Arc<S::Record>>> {
        self.store.get(id, query, context).await
    }

    async fn create(
        &self,
        data: Vec<<S::Record as Record>::Draft>,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<S::Record>>> {
        self.store.create(data, context).await
    }

    async fn update(
        &self,
        id: &Id,
        data: <S::Record as Record>::Draft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<S::Record>>> {
        self.store.update(id, data, query, context).await
    }

    async fn patch(
        &self,
        id: Option<&Id>,
        patch: <S::Record as Record>::PatchDraft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<S::Record>>> {
        self.store.patch(id, patch, query, context).await
    }

    async fn remove(&self, id: Option<&Id>, query: &Query, context: &StoreContext<'_>) -> Result<Vec<Arc<S::Record>>> {
        self.store.remove(id, query, context).await
    }
}

/// How often something was found, store by store.
#[derive(Clone, Default)]
pub(super) struct Counts(Vec<Arc<AtomicUsize>>);

impl Counts {
    /// Makes a service of a store in memory that counts.
    pub(super) fn memory<R: Record>(&mut self) -> Crud<Counting<MemoryStore<R>>> {
        self.wrap(&Memory::<R>::new())
    }

    /// Makes a service of the store of another one that counts.
    pub(super) fn wrap<S: Store>(&mut self, service: &Crud<S>) -> Crud<Counting<S>> {
        let finds = Arc::<AtomicUsize>::default();
        self.0.push(finds.clone());
        Crud::with_store(Counting { store: service.store().clone(), finds }).multi(true)
    }

    /// Returns the counts since the last look, in the order in which the stores were made.
    pub(super) fn take(&self) -> Vec<usize> {
        self.0.iter().map(|finds| finds.swap(0, Ordering::Relaxed)).collect()
    }
}
