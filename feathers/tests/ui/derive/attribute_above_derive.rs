//! `#[service]` above the derive is the other macro.

#![allow(unused)]

use feathers::prelude::*;

#[service(crate = feathers)]
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
}

fn main() {}
