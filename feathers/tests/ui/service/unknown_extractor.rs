//! A type that no call has is pointed at, with what is legal.

#![allow(unused)]

use feathers::prelude::*;

struct Pool;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self, pool: &Pool) -> Result<()> {
        Ok(())
    }
    async fn get(&self, id: Id, pool: Pool) -> Result<()> {
        Ok(())
    }
}

fn main() {}
