//! An error must turn into a Feathers error.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
