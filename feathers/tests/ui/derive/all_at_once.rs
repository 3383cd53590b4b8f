//! All mistakes of a struct are reported at once.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, default)]
    id: i64,
    #[service(lenght(1..=280), hiden)]
    text: String,
    #[service(range(5..=1))]
    rank: u8,
    #[service(email, default, default)]
    mail: String,
}

fn main() {}
