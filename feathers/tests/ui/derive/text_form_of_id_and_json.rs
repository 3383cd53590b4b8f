//! An id is compared as it is, and JSON has no one text.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, lowercase, trim)]
    id: String,
    #[service(json, lowercase, trim)]
    place: Option<String>,
}

fn main() {}
