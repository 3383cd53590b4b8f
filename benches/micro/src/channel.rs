//! Channels: one event, from its publisher until each member of its channel has read it.

use std::hint::black_box;
use std::rc::Rc;

use feathers::call::Provider;
use feathers::event::{Delivery, Subscription};
use feathers::session::{Handshake, Session};
use feathers::{App, Memory, Payload, Result};
use tokio::runtime::Runtime;

use crate::app::{Message, message, room, tick};
use crate::{Bench, Work, at_once, unexpected};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("channel/1", 200, |runtime| members(runtime, 1)),
    Bench::new("channel/1000", 5, |runtime| members(runtime, 1_000)),
    Bench::new("channel/100000", 1, |runtime| members(runtime, 100_000)),
    Bench::new("channel/1000-in-10", 5, |runtime| in_channels(runtime, 1_000, 10)),
];

/// One event for so many channels, each with a part of the members.
fn in_channels(runtime: &Rc<Runtime>, count: usize, channels: usize) -> Result<Work> {
    let names: Vec<String> = (0..channels).map(|number| format!("room {number}")).collect();
    let mut app = App::new();
    app.service("messages", Memory::<Message>::new()).publish({
        let names = names.clone();
        move |_event, app| app.channel(&*names)
    });
    let app = runtime.block_on(app.start())?;
    let mut members = Vec::with_capacity(count);
    for number in 0..count {
        let session = runtime.block_on(app.open(Handshake::new(Provider::new("micro"))))?;
        app.channel(&names[number % channels]).join(session.connection());
        let events = session.subscribe();
        members.push((session, events));
    }
    Ok(at_once(move || {
        app.service("messages")?.emit("patched", Payload::new(message(1)));
        read(&mut members)
    }))
}

/// Reads one event for each member.
fn read(members: &mut [(Session, Subscription)]) -> Result<()> {
    for (_, events) in members {
        match events.try_next() {
            Some(Delivery::Event(event)) => black_box(event),
            other => return Err(unexpected(other)),
        };
    }
    Ok(())
}

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
        read(&mut members)
    }))
}
