//! Find takes parameters only.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self, data: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
