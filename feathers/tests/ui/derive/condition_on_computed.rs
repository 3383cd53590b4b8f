//! No condition compares a computed field.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(computed = |todo| todo.id + 1)]
    next: i64,
}

fn main() {
    let _ = Todo::ID.eq(1);
    let _ = Todo::NEXT.eq(1);
}
