//! The messages for attributes of serde that would break the schema say why.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(tag = "type")]
struct Todo {
    #[service(id)]
    id: i64,
    #[serde(skip_deserializing)]
    a: String,
    #[serde(flatten)]
    b: std::collections::BTreeMap<String, String>,
    #[serde(rename(serialize = "x", deserialize = "y"))]
    c: String,
}

fn main() {}
