//! The framework: a derive, a store in memory, and what an app usually adds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use feathers::prelude::*;

use super::message::{Message, SEED, seed};
use crate::kind::channels::room;
use crate::outcome::Outcome;

/// Whether hooks and a publisher run as well.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Hooks {
    None,
    Some,
}

async fn pass(_ctx: &mut Context) -> Result<()> {
    Ok(())
}

/// Serves messages over REST.
pub(super) async fn rest(hooks: Hooks) -> Outcome {
    let mut app = App::new();
    let messages = app.service("messages", Memory::<Message>::new().paginate(Paginate::new(10).max(50)));
    if hooks == Hooks::Some {
        messages.before("all", pass).after("all", pass).publish(|_event, app| app.channel("nobody"));
    }
    serve(app).await
}

/// Counts calls that read messages.
#[derive(Clone, Default)]
struct Reads(Arc<AtomicU64>);

/// Tells how many calls have read messages.
#[service]
impl Reads {
    async fn find(&self) -> Result<u64> {
        Ok(self.0.load(Ordering::Relaxed))
    }
}

async fn count(reads: &Reads, _ctx: &mut Context) -> Result<()> {
    reads.0.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Serves messages whose events go to every connection, batched for so long.
pub(super) async fn events(window: Duration) -> Outcome {
    let mut app = App::new();
    app.batch_window(window);
    let reads = Reads::default();
    app.service("reads", reads.clone());
    app.service("messages", Memory::<Message>::new().multi(true))
        .before(["find", "get"], hook::with_state(reads, count))
        .publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    serve(app).await
}

/// Serves messages each of which goes to one of so many channels; every connection is in all of them.
pub(super) async fn rooms(channels: u64) -> Outcome {
    let mut app = App::new();
    app.service("messages", Memory::<Message>::new()).publish(move |event, app| {
        let id = event.data.downcast_ref::<Message>()?.id;
        Some(app.channel(room(u64::try_from(id).ok()?, channels)))
    });
    app.on_connect(move |connection, app| {
        for number in 0..channels {
            app.channel(format!("room {number}")).join(connection);
        }
    });
    serve(app).await
}

async fn serve(mut app: App) -> Outcome {
    // All load comes from one address, which may fill the log.
    app.caller_percent(100);
    // As many connections as are measured, and the publishers beside them.
    let running = Server::new(app).bind("127.0.0.1:0").max_connections(12_000).start().await?;
    let messages = running.handle().typed::<Message>("messages")?;
    for number in 0..SEED {
        messages.create(seed(number), ()).await?;
    }
    crate::process::announce(running.addr());
    std::future::pending().await
}
