//! A method takes `&self`.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find() -> Result<()> {
        Ok(())
    }
    async fn get(&mut self, id: Id) -> Result<()> {
        Ok(())
    }
    async fn remove(self, id: Id) -> Result<()> {
        Ok(())
    }
}

fn main() {}
