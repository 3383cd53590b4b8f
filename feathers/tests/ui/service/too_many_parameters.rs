//! One parameter too many is pointed at.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn create(&self, data: String, params: &Params, more: u8) -> Result<()> {
        Ok(())
    }
}

fn main() {}
