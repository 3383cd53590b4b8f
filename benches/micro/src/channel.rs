//! Channels: one event, from its publisher until each member of its channel has read it.

use std::hint::black_box;
use std::rc::Rc;

use feathers::Result;
use feathers::call::Provider;
use feathers::event::Delivery;
use feathers::session::Handshake;
use tokio::runtime::Runtime;

use crate::app::{room, tick};
use crate::{Bench, Work, at_once, unexpected};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("channel/1", 200, |runtime| members(runtime, 1)),
    Bench::new("channel/1000", 5, |runtime| members(runtime, 1_000)),
    Bench::new("channel/100000", 1, |runtime| members(runtime, 100_000)),
];

fn members(runtime: &Rc<Runtime>, count: usize) -> Result<Work> {
    let app = runtime.block_on(room().start())?;
    let mut members = Vec::with_capacity(count);
    for _ in 0..count {
        let session = runtime.block_on(app.open(Handshake::new(Provider::new("micro"))))?;
        let events = session.subscribe();
        members.push((session, events));
    }
    Ok(at_once(move || {
        tick(&app)?;
        for (_, events) in &mut members {
            match events.try_next() {
                Some(Delivery::Event(event)) => black_box(event),
                other => return Err(unexpected(other)),
            };
        }
        Ok(())
    }))
}
