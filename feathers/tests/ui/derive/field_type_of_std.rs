//! A type that serde knows and records do not: one message, whatever attributes the field has.

#![allow(unused)]

use std::collections::HashMap;
use std::time::Duration;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(default)]
    votes: HashMap<String, i64>,
    #[service(hidden, default)]
    left: Option<Duration>,
    #[service(server)]
    bytes: u8,
}

fn main() {}
