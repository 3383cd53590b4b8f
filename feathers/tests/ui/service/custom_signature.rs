//! A custom method takes data and parameters.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    #[method]
    async fn snooze(&self, id: Id, data: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
