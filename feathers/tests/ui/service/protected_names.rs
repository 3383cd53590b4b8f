//! Names that mean something on a Feathers service are refused at the name.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    #[method]
    async fn publish(&self) -> Result<()> {
        Ok(())
    }
    #[method]
    async fn to_string(&self) -> Result<()> {
        Ok(())
    }
    #[method(name = "on")]
    async fn a(&self) -> Result<()> {
        Ok(())
    }
    #[method]
    async fn setup(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
