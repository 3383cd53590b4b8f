//! Parameters are taken by reference.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self, params: Params) -> Result<()> {
        Ok(())
    }
    async fn get(&self, id: Id, params: &mut Params) -> Result<()> {
        Ok(())
    }
    async fn create(&self, data: &str) -> Result<()> {
        Ok(())
    }
}

fn main() {}
