//! A function that is not served names the one that was meant.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn creat(&self, data: String) -> Result<()> {
        Ok(())
    }
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
