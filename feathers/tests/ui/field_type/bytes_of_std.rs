//! Serde writes a list of bytes as a list of numbers: the message says what to use.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    key: Vec<u8>,
    #[service(default)]
    other: Option<Vec<u8>>,
}

fn main() {}
