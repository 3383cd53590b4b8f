//! The event log: an event into it, and out of it for a client that comes back.

use std::hint::black_box;
use std::rc::Rc;

use feathers::Result;
use feathers::call::Provider;
use feathers::event::Delivery;
use feathers::log::{Retention, Since};
use feathers::session::Handshake;
use tokio::runtime::Runtime;

use crate::app::{app, room, tick};
use crate::{Bench, Work, at_once, unexpected, waiting};

pub(crate) const ALL: &[Bench] = &[Bench::new("log/append", 200, append), Bench::new("log/replay-500", 5, replay)];

/// An event that reaches no client.
fn append(runtime: &Rc<Runtime>) -> Result<Work> {
    let app = runtime.block_on(app().start())?;
    Ok(at_once(move || tick(&app)))
}

/// What a client gets that was away for 500 events.
fn replay(runtime: &Rc<Runtime>) -> Result<Work> {
    const MISSED: usize = 500;
    let mut app = room();
    app.retention(Retention::default());
    let app = runtime.block_on(app.start())?;
    let since = app.log().head();
    for _ in 0..MISSED {
        tick(&app)?;
    }
    Ok(waiting(runtime, async move || {
        let session = app.open(Handshake::new(Provider::new("micro")).since(Since::Cursor(since))).await?;
        let mut events = session.subscribe();
        for _ in 0..MISSED {
            match events.try_next() {
                Some(Delivery::Event(event)) => black_box(event.json().len()),
                other => return Err(unexpected(other)),
            };
        }
        Ok(())
    }))
}
