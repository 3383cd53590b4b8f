//! The field of `over` holds a service.

#![allow(unused)]

use feathers::prelude::*;

struct Tickets {
    records: Vec<String>,
}

#[service(over = records)]
impl Tickets {
    #[method]
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
