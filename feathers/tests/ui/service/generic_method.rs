//! A method is not generic.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn create<T>(&self, data: T) -> Result<()> {
        Ok(())
    }
    async fn remove(&self, id: impl Into<Id>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
