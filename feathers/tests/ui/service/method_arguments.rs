//! The message has the legal argument of `#[method]`.

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
