//! A wrong signature prints the legal one.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn get(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
