//! A database in memory: stores whose records refer to each other.

use std::sync::Arc;

use crate::crud::{Crud, Memory};
use crate::data::error::Result;
use crate::data::record::Record;
use crate::store::{Family, MemoryStore};

/// A database in memory, gone when its stores are. Clones are the same one.
///
/// Stores whose records refer to each other are made by one; they are used as those of other databases are.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::store::MemoryDatabase;
/// use feathers::{App, Document};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let db = MemoryDatabase::new();
/// let mut app = App::new();
/// app.service("todos", db.store::<Document>().await?);
/// # app.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryDatabase(Arc<Family>);

impl MemoryDatabase {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves the records of a type; each call serves the same records.
    ///
    /// # Errors
    /// None today; it has the form of the databases that have some.
    #[expect(clippy::unused_async, reason = "as it is of the databases that wait for something")]
    pub async fn store<R: Record>(&self) -> Result<Memory<R>> {
        Ok(Crud::with_store(MemoryStore::in_family(&self.0, R::schema().name, true)))
    }

    /// Serves records of a type that are kept apart from others of the type, under a name.
    ///
    /// # Errors
    /// Those of [`store`](Self::store).
    #[expect(clippy::unused_async, reason = "as it is of the databases that wait for something")]
    pub async fn store_in<R: Record>(&self, name: &str) -> Result<Memory<R>> {
        Ok(Crud::with_store(MemoryStore::in_family(&self.0, name, name == R::schema().name)))
    }
}
