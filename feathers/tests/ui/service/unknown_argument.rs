//! A slip in a word names the word that was meant.

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
