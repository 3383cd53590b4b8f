//! On a struct, the derive is pointed at.

#![allow(unused)]

use feathers::prelude::*;

#[service]
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Todo {
    id: i64,
}

fn main() {}
