//! Serde writes a duration of the standard library as an object: the message says what to use.

#![allow(unused)]

use std::time::Duration;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    left: Duration,
}

fn main() {}
