//! A scale is a number of places.

#![allow(unused)]

use rust_decimal::Decimal;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(scale)]
    a: Decimal,
    #[service(scale(2))]
    b: Decimal,
    #[service(scale = 19)]
    c: Decimal,
    #[service(scale = -1)]
    d: Decimal,
    #[service(scale = 2, scale = 3)]
    e: Decimal,
}

fn main() {}
