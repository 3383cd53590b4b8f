//! What clients never set they cannot set once either, and an id never changes anyway.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, immutable)]
    id: i64,
    #[service(server, immutable)]
    made: i64,
    #[service(immutable = true)]
    list: i64,
}

fn main() {}
