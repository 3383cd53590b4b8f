//! The message for an attribute without a value says so.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(hidden = true)]
    a: String,
    #[service(email(strict))]
    b: String,
    #[service(default(1))]
    c: i64,
}

fn main() {}
