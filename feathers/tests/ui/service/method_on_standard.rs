//! A standard method needs no attribute.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    #[method]
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
