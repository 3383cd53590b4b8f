//! The message for a function that is not served says where it belongs.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
    fn helper(&self) -> u8 {
        7
    }
}

fn main() {}
