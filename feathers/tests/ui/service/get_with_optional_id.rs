//! Only patch and remove can be called for all records.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn get(&self, id: Option<Id>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
