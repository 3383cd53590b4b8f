//! The message for a type that is no field type says how it becomes one.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    city: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    place: Place,
}

fn main() {}
