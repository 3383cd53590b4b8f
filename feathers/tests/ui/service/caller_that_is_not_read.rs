//! The user of a caller is a type that serde reads, and so are placeholders.

#![allow(unused)]

use feathers::prelude::*;

struct User {
    id: i64,
}

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self, caller: Caller<User>) -> Result<()> {
        Ok(())
    }
    async fn get(&self, id: Id, route: Route<User>) -> Result<()> {
        Ok(())
    }
}

fn main() {}
