//! The service of the front page, written by hand.

#![deny(warnings)]

use std::sync::atomic::{AtomicU64, Ordering};

use feathers::prelude::*;

/// Not stored, so the methods are written by hand; only what is written is served.
struct Reminders {
    sent: AtomicU64,
}

#[derive(Deserialize)]
struct NewReminder {
    text: String,
}

#[derive(Deserialize)]
struct Snooze {
    id: u64,
}

#[derive(Serialize)]
struct Reminder {
    id: u64,
    text: String,
}

#[service(events("ringing"))]
impl Reminders {
    async fn create(&self, data: NewReminder, params: &Params) -> Result<Reminder> {
        let text = if params.is_external() { data.text } else { String::new() };
        Ok(Reminder { id: self.sent.fetch_add(1, Ordering::Relaxed), text })
    }

    /// A custom method; clients call it by its name, its doc comment becomes its description.
    #[method]
    async fn snooze(&self, data: Snooze) -> Result<Reminder> {
        Ok(Reminder { id: data.id, text: String::new() })
    }
}

fn main() {
    let mut app = App::new();
    app.service("reminders", Reminders { sent: AtomicU64::new(0) });
}
