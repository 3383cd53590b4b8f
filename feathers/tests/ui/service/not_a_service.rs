//! A type without the attribute is no service.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

impl Reminders {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn serve(app: &mut App) {
    app.service("reminders", Reminders);
}

fn main() {}
