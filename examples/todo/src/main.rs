//! A realtime todo list: one struct, stored in SQLite, served over REST and Socket.IO.

use feathers::prelude::*;

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    /// What to do.
    #[service(length(1..=280))]
    text: String,
    /// Whether it is done.
    #[service(default)]
    done: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let db = Database::from_env("sqlite:todo.db").await?;

    let mut app = App::new();
    app.service("todos", db.store::<Todo>().await?).publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));

    Server::new(app).public(concat!(env!("CARGO_MANIFEST_DIR"), "/public")).listen().await
}
