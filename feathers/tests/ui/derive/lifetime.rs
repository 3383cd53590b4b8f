//! A record owns its data.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo<'a> {
    #[service(id)]
    id: i64,
    text: &'a str,
}

fn main() {}
