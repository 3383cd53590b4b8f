//! The data is taken once.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Deserialize)]
struct Snooze {
    minutes: u64,
}

#[derive(Deserialize)]
struct Reason {
    text: String,
}

struct Reminders;

#[service]
impl Reminders {
    #[method]
    async fn snooze(&self, snooze: Snooze, reason: Reason) -> Result<()> {
        Ok(())
    }
    async fn create(&self, snooze: Snooze, reason: Reason) -> Result<()> {
        Ok(())
    }
}

fn main() {}
