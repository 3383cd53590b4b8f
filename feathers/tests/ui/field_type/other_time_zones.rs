//! An instant of another time zone than UTC forgets the zone where it is stored.

#![allow(unused)]

use chrono::{DateTime, FixedOffset, NaiveDateTime};
use jiff::civil::DateTime as Civil;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    at: DateTime<FixedOffset>,
    then: Option<Civil>,
    somewhere: NaiveDateTime,
}

fn main() {}
