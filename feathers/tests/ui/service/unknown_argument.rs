//! The message for a misspelt argument names the one that was meant.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service(event("ringing"))]
impl Reminders {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
