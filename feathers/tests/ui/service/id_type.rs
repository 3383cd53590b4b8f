//! The id must be an id type.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn get(&self, id: f64) -> Result<()> {
        Ok(())
    }
}

fn main() {}
