//! The whole call has the id and the data in it.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn patch(&self, id: i64, request: Request<'_>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
