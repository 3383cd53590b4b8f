//! Subscribers: they listen, count, and answer the pings of their protocol.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::task::{JoinHandle, spawn_local};

use super::frame::{self, PING, PONG, TEXT};
use super::ledger::Ledger;
use super::wire::{Opened, Wire};
use crate::outcome::Outcome;

/// How many connections are being opened at the same time.
const OPENING: usize = 32;

thread_local! {
    /// One buffer for all connections: no read is held across a wait.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 128 << 10]);
}

/// Connects so many subscribers, and lets them listen in the background. They end with the returned tasks.
pub(crate) async fn connect(authority: &str, wire: Wire, count: u64, ledger: &Rc<Ledger>) -> Outcome<Listeners> {
    let left = Rc::new(Cell::new(count));
    let openers: Vec<_> = (0..OPENING)
        .map(|_| {
            let (authority, ledger, left) = (authority.to_owned(), ledger.clone(), left.clone());
            spawn_local(async move {
                let mut tasks = Vec::new();
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    let opened = wire.open(&authority).await.map_err(|error| error.to_string())?;
                    tasks.push(listen(opened, wire, ledger.clone()));
                }
                Ok::<_, String>(tasks)
            })
        })
        .collect();
    let mut listeners = Listeners::default();
    for opener in openers {
        listeners.0.extend(opener.await??);
    }
    // The server may still be busy with the last of them.
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(listeners)
}

/// Subscribers that listen until this value is gone.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Vec<JoinHandle<()>>);

impl Drop for Listeners {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

impl Extend<JoinHandle<()>> for Listeners {
    fn extend<I: IntoIterator<Item = JoinHandle<()>>>(&mut self, tasks: I) {
        self.0.extend(tasks);
    }
}

/// Listens in the background, and counts into a ledger.
pub(crate) fn listen(opened: Opened, wire: Wire, ledger: Rc<Ledger>) -> JoinHandle<()> {
    spawn_local(async move {
        let _ = read(opened, wire, &ledger).await;
        ledger.lost_connection();
    })
}

async fn read(mut opened: Opened, wire: Wire, ledger: &Ledger) -> Outcome {
    let mut carry = std::mem::take(&mut opened.rest);
    drop(std::mem::take(&mut opened.greeting));
    let mut reply = digest(wire, ledger, &mut carry, &[]);
    let mut stream = opened.stream;
    loop {
        if let Some(reply) = reply.take() {
            stream.write_all(&reply).await?;
        }
        stream.readable().await?;
        reply = SCRATCH.with_borrow_mut(|scratch| match stream.try_read(scratch) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(digest(wire, ledger, &mut carry, scratch.get(..read).unwrap_or_default())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        })?;
    }
}

/// Counts the messages in what was left over and in what is new, keeps what is incomplete, and returns what to answer.
fn digest(wire: Wire, ledger: &Ledger, carry: &mut Vec<u8>, new: &[u8]) -> Option<Vec<u8>> {
    if carry.is_empty() {
        let (done, reply) = count(wire, ledger, new);
        carry.extend_from_slice(new.get(done..).unwrap_or_default());
        return reply;
    }
    carry.extend_from_slice(new);
    let (done, reply) = count(wire, ledger, carry);
    carry.drain(..done);
    if carry.is_empty() {
        *carry = Vec::new();
    }
    reply
}

fn count(wire: Wire, ledger: &Ledger, bytes: &[u8]) -> (usize, Option<Vec<u8>>) {
    if matches!(wire, Wire::Sse(_)) {
        return (ledger.read(bytes), None);
    }
    let (mut rest, mut reply) = (bytes, None);
    while let Some((opcode, payload, after)) = frame::take(rest) {
        match opcode {
            TEXT if wire == Wire::SocketIo && payload == b"2" => reply = Some(frame::from_client(TEXT, b"3")),
            TEXT => _ = ledger.read(payload),
            PING => reply = Some(frame::from_client(PONG, payload)),
            _ => {}
        }
        rest = after;
    }
    (bytes.len() - rest.len(), reply)
}
