//! A decimal says how many places it has.

#![allow(unused)]

use rust_decimal::Decimal;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    cost: Decimal,
    #[service(default)]
    paid: Option<Decimal>,
}

fn main() {}
