//! A typed hook that is a closure has the types of its parameters.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

fn main() {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new()).before("create", hook::typed(async |draft, ctx| Ok(())));
}
