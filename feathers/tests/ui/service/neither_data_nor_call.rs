//! The first argument of a custom method is data or taken from the call.

#![allow(unused)]

use feathers::prelude::*;

struct Snooze {
    minutes: u64,
}

struct Reminders;

#[service]
impl Reminders {
    #[method]
    async fn snooze(&self, snooze: Snooze) -> Result<()> {
        Ok(())
    }
}

fn main() {}
