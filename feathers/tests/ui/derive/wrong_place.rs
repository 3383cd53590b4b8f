//! Words of the struct and words of a field are told apart.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(hidden)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(crate = feathers)]
    a: String,
    #[service(rename = "c")]
    b: String,
}

fn main() {}
