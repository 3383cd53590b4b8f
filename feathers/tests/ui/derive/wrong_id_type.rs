//! An id is a whole number or a text.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: f64,
    text: String,
}

fn main() {}
