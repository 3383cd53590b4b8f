//! Serde writes a duration of `chrono` as a list.

#![allow(unused)]

use chrono::TimeDelta;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    left: Option<TimeDelta>,
}

fn main() {}
