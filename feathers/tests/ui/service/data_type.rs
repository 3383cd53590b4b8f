//! Data must be readable.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

struct Snooze;

#[service]
impl Reminders {
    async fn create(&self, data: Snooze) -> Result<()> {
        Ok(())
    }
}

fn main() {}
