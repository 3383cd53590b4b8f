//! Data types have the fields of the record, and nothing else.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

fn data() -> TodoData {
    TodoData { id: None, text: String::new(), stamp: 1 }
}

fn main() {}
