//! A service without records has rules that are a `bool`.

use feathers::app::Access;
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

struct Clock;

#[service]
impl Clock {
    async fn find(&self) -> Result<u8> {
        Ok(9)
    }
}

fn main() {
    let mut app = App::new();
    app.service("clock", Clock).access(Access::of::<User>().read(|user| Ticket::OWNER_ID.eq(user.id)));
}
