//! A block holds nothing but methods.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    const LIMIT: u8 = 7;

    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
