//! A constraint names what it is for: nothing or `ignore_case` on a field, fields on the struct.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(unique, unique(text), unique(text, rank, rank), unique(text, colour), index(text, ignore_case))]
#[service(unique(rank, text), unique(rank, text), index(info, rank), unique(id, text))]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(unique = true)]
    text: String,
    #[service(unique(rank))]
    rank: i64,
    #[service(unique(ignore_case, rank))]
    other: String,
    #[service(index(other))]
    third: String,
    #[service(json)]
    info: Vec<String>,
}

fn main() {}
