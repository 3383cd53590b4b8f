//! The record of the front page, served from memory.

#![deny(warnings)]

use feathers::prelude::*;

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(length(1..=280))]
    text: String,
    #[service(default)]
    done: bool,
}

fn main() {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new()).publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
}
