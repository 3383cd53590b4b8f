//! A typed hook takes the draft of a record.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

fn main() {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new())
        .before("create", hook::typed(async |_todo: &mut Todo, _ctx: &mut Context| Ok(())));
}
