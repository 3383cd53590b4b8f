//! A service is shared between threads.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders {
    sent: std::cell::Cell<u64>,
}

#[service]
impl Reminders {
    async fn find(&self) -> Result<u64> {
        Ok(7)
    }
}

fn main() {}
