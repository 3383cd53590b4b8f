//! Readers: one event of a service with access rules, until each connection that may see it has read it.

use std::hint::black_box;
use std::rc::Rc;

use feathers::app::Access;
use feathers::call::Provider;
use feathers::event::{Delivery, Subscription};
use feathers::prelude::*;
use feathers::session::{Authenticator, Handshake, HandshakeCredentials, Headers, Login, Session};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::app::{Message, message, start};
use crate::{Bench, Work, at_once, unexpected, waiting};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("readers/1000-in-10", 5, |runtime| groups(runtime, 1_000, 10)),
    Bench::new("readers/match-1", 200, |runtime| matching(runtime, 1)),
    Bench::new("readers/match-100", 200, |runtime| matching(runtime, 100)),
    Bench::new("readers/match-10000", 200, |runtime| matching(runtime, 10_000)),
];

#[derive(Deserialize)]
struct Reader {
    id: i64,
}

/// The word `as` of the query is the user.
struct ByQuery;

#[async_trait]
impl Authenticator for ByQuery {
    fn path(&self) -> &'static str {
        "logins"
    }

    async fn admit(&self, _: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        Ok(None)
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user_of(&self, connection: &Connection) -> Option<Payload> {
        Some(json!({ "id": connection.query().get("as")?.as_i64()? }).into())
    }
}

fn open(runtime: &Runtime, app: &AppHandle, user: usize) -> Result<(Session, Subscription)> {
    let query = [("as".to_owned(), Value::from(user))].into_iter().collect();
    let session = runtime.block_on(app.open(Handshake::new(Provider::new("micro")).query(query)))?;
    let events = session.subscribe();
    Ok((session, events))
}

fn rules(access: Access<Message, Reader>) -> App {
    let mut app = App::new();
    app.authenticator(ByQuery);
    app.caller_percent(100).service("messages", Memory::<Message>::new()).access(access);
    app
}

/// An event that all may see, in so many groups.
fn groups(runtime: &Rc<Runtime>, count: usize, groups: usize) -> Result<Work> {
    let access =
        Access::of::<Reader>().read(|user| Message::USER.one_of(["u1".to_owned(), format!("group {}", user.id)]));
    let app = runtime.block_on(rules(access).start())?;
    let mut readers = Vec::with_capacity(count);
    for number in 0..count {
        readers.push(open(runtime, &app, number % groups)?);
    }
    Ok(at_once(move || {
        app.service("messages")?.emit("patched", Payload::new(message(1)));
        for (_, events) in &mut readers {
            match events.try_next() {
                Some(Delivery::Event(event)) => black_box(event),
                other => return Err(unexpected(other)),
            };
        }
        Ok(())
    }))
}

/// A `patch` of a record that one of so many may see, each of whom has another right.
fn matching(runtime: &Rc<Runtime>, count: usize) -> Result<Work> {
    let access = Access::of::<Reader>().read(|user| Message::TS.eq(user.id));
    let app = runtime.block_on(start(rules(access)))?;
    let mut readers = Vec::with_capacity(count);
    for number in 1..=count {
        readers.push(open(runtime, &app, number)?);
    }
    let messages = app.service("messages")?;
    Ok(waiting(runtime, async move || {
        messages.patch(Some(1.into()), json!({ "text": "another" }), ()).await?;
        match readers.first_mut().and_then(|(_, events)| events.try_next()) {
            Some(Delivery::Event(event)) => drop(black_box(event)),
            other => return Err(unexpected(other)),
        }
        Ok(())
    }))
}
