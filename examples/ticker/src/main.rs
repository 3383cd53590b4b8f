//! A stock ticker: a service written by hand that publishes an event of its own, and a page over server-sent events.
//!
//! `TICK_MS` is the time between two ticks in milliseconds, `SEED` a number that makes the prices repeatable.

mod recent;
mod settings;
mod walk;

use std::time::Duration;

use feathers::prelude::*;
use recent::Recent;
use settings::number;
use tokio::time::MissedTickBehavior;
use walk::{Tick, Walk};

/// The price of one stock. It is in no database, so the methods are written by hand; only what is written is served.
struct Ticker {
    every: Duration,
    seed: u64,
    recent: Recent,
}

#[service(events("price"))]
impl Ticker {
    /// Returns the newest ticks, the oldest first.
    async fn find(&self) -> Result<Vec<Tick>> {
        Ok(self.recent.list())
    }

    /// Starts the clock, which ends with the app.
    async fn setup(&self, app: &AppHandle, path: &str) -> Result<()> {
        let (service, recent) = (app.service(path)?, self.recent.clone());
        let mut walk = Walk::new(self.seed);
        let mut clock = tokio::time::interval(self.every);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopping = app.clone();
        app.spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.stopping() => break,
                    _ = clock.tick() => {}
                }
                let tick = walk.step();
                // First kept, then published: a client that reads the list and listens from there misses none.
                recent.push(tick);
                service.emit("price", Payload::new(tick));
            }
        });
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let every = Duration::from_millis(number("TICK_MS", 250)?.max(1));
    let seed = number("SEED", rand::random())?;

    let mut app = App::new();
    app.service("ticker", Ticker { every, seed, recent: Recent::default() })
        .publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));

    Server::new(app).public(concat!(env!("CARGO_MANIFEST_DIR"), "/public")).listen().await
}
