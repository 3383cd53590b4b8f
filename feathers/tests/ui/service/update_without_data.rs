//! Update takes an id and data.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn update(&self, id: Id) -> Result<()> {
        Ok(())
    }
}

fn main() {}
