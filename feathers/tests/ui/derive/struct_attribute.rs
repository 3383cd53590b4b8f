//! The message for an unknown attribute on the struct names the legal one.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(crat = feathers)]
struct Todo {
    #[service(id)]
    id: i64,
}

fn main() {}
