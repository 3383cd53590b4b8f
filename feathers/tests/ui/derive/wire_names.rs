//! Two fields cannot share a name, and a query must be able to name a field.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[serde(rename = "id")]
    a: String,
    #[serde(rename = "$b")]
    b: String,
    #[serde(rename = "c.d")]
    c: String,
}

fn main() {}
