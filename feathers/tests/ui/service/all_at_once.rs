//! All mistakes of a block are reported at once, and only their causes.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service(evnts("ringing"))]
impl Reminders {
    async fn find(&self, data: String) -> Result<()> {
        Ok(())
    }

    fn get(&self, id: Id) -> Result<()> {
        Ok(())
    }

    async fn snoze(&self) -> Result<()> {
        Ok(())
    }
}

fn serve(app: &mut App) {
    app.service("reminders", Reminders);
}

fn main() {}
