//! Setup and teardown have one signature.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
    async fn setup(&self) -> Result<()> {
        Ok(())
    }
    async fn teardown(&self, app: &AppHandle, path: String) -> Result<()> {
        Ok(())
    }
}

fn main() {}
