//! Attributes of the struct are not attributes of a field, and the messages say so.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(hidden)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(crate = feathers)]
    a: String,
    #[service(rename = "c")]
    b: String,
}

fn main() {}
