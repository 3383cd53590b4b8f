//! A method may run on any thread.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {
    async fn find(&self) -> Result<()> {
        let shared = std::rc::Rc::new(7);
        std::future::ready(()).await;
        drop(shared);
        Ok(())
    }
}

fn main() {}
