//! `record` is the type of the records of the service inside.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
}

struct Tickets {
    records: Memory<Document>,
}

#[service(over = records, record = Ticket)]
impl Tickets {
    #[method]
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
