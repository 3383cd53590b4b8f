//! A field that is always there is never `null`.

use feathers::app::Access;
use feathers::Memory;
use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    title: String,
    owner_id: i64,
    tags: Vec<String>,
    closed: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    name: String,
    is_staff: bool,
}

fn main() {
    let mut app = App::new();
    app.service("tickets", Memory::<Ticket>::new()).access(
        Access::of::<User>()
            .read(|_| Ticket::OWNER_ID.is_null()),
    );
}
