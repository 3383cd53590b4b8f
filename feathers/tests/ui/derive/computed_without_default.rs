//! A computed field is its default until it is computed.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Size(i64);

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(json, computed = |_| Size(1))]
    size: Size,
}

fn main() {}
