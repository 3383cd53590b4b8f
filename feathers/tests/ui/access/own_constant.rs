//! A constant of one's own takes the name of the one that the derive makes.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    cost: i64,
}

impl Ticket {
    const COST: i64 = 3;
}

fn main() {}
