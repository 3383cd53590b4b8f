//! Neither the data nor the id is borrowed.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn create(&self, app: &AppHandle, data: &String) -> Result<()> {
        Ok(())
    }
    async fn remove(&self, id: &Id) -> Result<()> {
        Ok(())
    }
    #[method]
    async fn snooze(&self, data: &[u8]) -> Result<()> {
        Ok(())
    }
}

fn main() {}
