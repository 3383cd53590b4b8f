//! A version is a whole number with room.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(version)]
    version: u8,
}

fn main() {}
