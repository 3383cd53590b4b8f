//! A list of structs is JSON.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    city: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    places: Vec<Place>,
}

fn main() {}
