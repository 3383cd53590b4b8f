//! `over` names a field that is there.

#![allow(unused)]

use feathers::prelude::*;

struct Tickets {
    records: Memory<Document>,
}

#[service(over = record)]
impl Tickets {
    #[method]
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
