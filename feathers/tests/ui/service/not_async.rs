//! A method is async.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
