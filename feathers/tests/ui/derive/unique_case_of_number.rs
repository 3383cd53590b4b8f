//! Only a text has a case to ignore.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(unique(rank, done, ignore_case))]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(unique(ignore_case))]
    rank: i64,
    done: bool,
}

fn main() {}
