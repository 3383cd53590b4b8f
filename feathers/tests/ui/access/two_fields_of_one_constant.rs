//! Two fields that differ in letter case only have one constant.

#![allow(non_snake_case)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    ownerId: i64,
    OwnerId: i64,
}

fn main() {}
