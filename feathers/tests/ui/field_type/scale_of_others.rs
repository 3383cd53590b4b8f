//! Only decimals have a scale.

#![allow(unused)]

use rust_decimal::Decimal;

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(scale = 2)]
    rank: i64,
    #[service(json, scale = 2)]
    cost: Decimal,
}

fn main() {}
