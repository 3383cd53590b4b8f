//! A block that does not parse is still there for the editor.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self) -> Result<()> {
        Ok(())
    }

    async fn get(&self, id) -> Result<()> {
        Ok(())
    }
}

fn main() {}
