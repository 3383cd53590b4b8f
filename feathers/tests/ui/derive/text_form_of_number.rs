//! `lowercase` and `trim` are for texts.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(lowercase)]
    rank: i64,
    #[service(trim)]
    tags: Vec<String>,
}

fn main() {}
