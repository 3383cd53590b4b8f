//! Hooks read the data of a call as a draft.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(server)]
    made: i64,
}

fn read<D: feathers::schema::Draft>() {}

fn main() {
    read::<TodoData>();
}
