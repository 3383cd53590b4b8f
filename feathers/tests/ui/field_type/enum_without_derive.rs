//! An enum says that it is a field type.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Status {
    Open,
    Closed,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    status: Status,
    #[service(default)]
    earlier: Vec<Status>,
}

fn main() {}
