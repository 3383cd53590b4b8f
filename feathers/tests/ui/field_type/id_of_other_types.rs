//! An id is a whole number, a text or a UUID.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: jiff::Timestamp,
    name: String,
}

fn main() {}
