//! A record of nothing but an id.

#![deny(warnings)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Mark {
    #[service(id)]
    id: u32,
}

fn main() {
    App::new().service("marks", Memory::<Mark>::new());
}
