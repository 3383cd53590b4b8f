//! The legal word of `#[method]` is told.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    #[method(nam = "b")]
    async fn a(&self) -> Result<()> {
        Ok(())
    }
    #[method(name)]
    async fn c(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
