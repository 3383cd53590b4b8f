//! A `server` field needs a value at creation.

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
    #[service(server, json)]
    place: Place,
}

fn main() {}
