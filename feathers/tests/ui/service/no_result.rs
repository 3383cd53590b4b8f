//! A method returns a result.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self) {}
    async fn get(&self, id: Id) -> u8 {
        7
    }
}

fn main() {}
