//! What `over` and `record` take.

#![allow(unused)]

use feathers::prelude::*;

struct Tickets {
    records: Memory<Document>,
}

#[service(over = "records")]
impl Tickets {
    #[method]
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

struct Others {
    records: Memory<Document>,
}

#[service(record = Document)]
impl Others {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

struct Twice {
    records: Memory<Document>,
}

#[service(over = records, over = records)]
impl Twice {
    #[method]
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
