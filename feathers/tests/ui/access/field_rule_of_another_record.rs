//! A rule for a field is for one of the service's own records.

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
            .read(|_| true).field(User::NAME, |_| true),
    );
}
