//! Two methods cannot share a name.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    #[method]
    async fn ring_now(&self) -> Result<()> {
        Ok(())
    }
    #[method(name = "ringNow")]
    async fn other(&self) -> Result<()> {
        Ok(())
    }
    #[method(name = "find")]
    async fn list(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
