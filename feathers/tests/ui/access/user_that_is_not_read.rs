//! The user is a type that serde reads.

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

struct Visitor;

fn main() {
    let mut app = App::new();
    app.service("tickets", Memory::<Ticket>::new()).access(Access::of::<Visitor>().read(|_| true));
}
