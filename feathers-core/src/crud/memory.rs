//! Records in memory as a service.

use crate::crud::Crud;
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::store::MemoryStore;

/// A service whose records live in memory.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::{App, Document, Memory};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let mut app = App::new();
/// app.service("todos", Memory::<Document>::new());
///
/// let todos = app.start().await?.service("todos")?;
/// todos.create(json!({ "text": "milk" }), ()).await?;
/// assert_eq!(todos.get(1, ()).await?.value()?, &json!({ "text": "milk", "id": 1 }));
/// # Ok(())
/// # }
/// ```
pub type Memory<R> = Crud<MemoryStore<R>>;

impl<R> Memory<R> {
    /// Makes an empty store in memory and serves it.
    #[expect(clippy::new_without_default, reason = "an empty store is no default service")]
    pub fn new() -> Self
    where
        R: Record,
    {
        Self::with_store(MemoryStore::new(R::schema()))
    }

    /// Makes an empty store whose id field has another name; only for records without a schema.
    pub fn with_id(id: &'static str) -> Self
    where
        R: Record,
    {
        let schema = R::schema();
        Self::with_store(MemoryStore::new(if schema.open { Schema::open(id) } else { schema }))
    }
}
