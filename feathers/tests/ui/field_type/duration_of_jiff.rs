//! A span of `jiff` has months, which have no length of their own.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    left: jiff::Span,
    right: jiff::SignedDuration,
}

fn main() {}
