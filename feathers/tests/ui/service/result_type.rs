//! The result must be serialisable.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

struct Snooze;

#[service]
impl Reminders {
    async fn find(&self) -> Result<Snooze> {
        Ok(Snooze)
    }
}

fn main() {}
