//! A rule says for what it is.

#![allow(unused)]

use feathers::{Bytes, Duration};

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(length(1..=3))]
    left: Duration,
    #[service(email)]
    key: Bytes,
    #[service(range(0..=1))]
    at: jiff::Timestamp,
}

fn main() {}
