//! The pump: one task per client that hands events and answers to the engine, in order.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use feathers_core::{Delivery, Payload, Subscription};
use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::{SendError, SocketError};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::socketioxide::Tasks;
use crate::socketioxide::client::{Answer, Client};

/// How long the pump waits when the engine's buffer is full; the engine does not say when there is room.
const PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What is needed to serve one client; it waits on the socket until the client is connected.
pub(super) struct Pump(Mutex<Option<Work>>);

struct Work {
    client: Arc<Client>,
    subscription: Subscription,
    answers: mpsc::Receiver<Answer>,
}

impl Pump {
    pub(super) fn new(client: Arc<Client>, subscription: Subscription, answers: mpsc::Receiver<Answer>) -> Self {
        Self(Mutex::new(Some(Work { client, subscription, answers })))
    }
}

/// Serves a client until it or its session has ended.
pub(super) async fn start(socket: SocketRef) {
    let pump = socket.extensions.remove::<Arc<Pump>>();
    let work = pump.and_then(|pump| pump.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    if let Some(work) = work {
        work.run(&socket).await;
    }
}

/// Nothing more can be sent.
struct Unreachable;

/// The way to one client.
struct Outbox<'a> {
    socket: &'a SocketRef,
    /// How long the engine's buffer may be full without a break.
    patience: Duration,
}

impl Work {
    async fn run(mut self, socket: &SocketRef) {
        let Tasks { clients, closed, patience, .. } = self.client.tasks().clone();
        let _served = clients.token();
        let outbox = Outbox { socket, patience };
        let served = closed.run_until_cancelled(self.serve(&outbox)).await;
        if matches!(served, Some(Ok(()))) && !self.client.is_over() {
            // The server has ended the connection.
            let _ = outbox.send(|| socket.clone().disconnect().map_err(SendError::Socket)).await;
        }
        self.client.end();
    }

    /// Sends events and answers until the session has ended.
    async fn serve(&mut self, outbox: &Outbox<'_>) -> Result<(), Unreachable> {
        loop {
            tokio::select! {
                biased;
                Some(answer) = self.answers.recv() => self.answer(outbox, answer).await?,
                delivery = self.subscription.next() => match delivery {
                    Some(delivery) => outbox.deliver(delivery).await.map(drop)?,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Sends the events that there are already, up to those of the call, and then its answer.
    async fn answer(&mut self, outbox: &Outbox<'_>, answer: Answer) -> Result<(), Unreachable> {
        while let Some(delivery) = self.subscription.try_next() {
            if outbox.deliver(delivery).await? >= answer.head {
                break;
            }
        }
        let Answer { to, result, .. } = answer;
        outbox
            .send(|| match &result {
                Ok(payload) => to.sender().send(&(Payload::NULL, payload)),
                Err(error) => to.sender().send(&(error,)),
            })
            .await
    }
}

impl Outbox<'_> {
    /// Sends one delivery and returns its position.
    async fn deliver(&self, delivery: Delivery) -> Result<u64, Unreachable> {
        match delivery {
            Delivery::Event(event) => {
                let name = format!("{} {}", event.path(), event.name());
                let cursor = event.cursor();
                self.emit(&name, &(event.payload(), cursor.to_string())).await?;
                Ok(cursor.seq())
            }
            Delivery::Reset(reset) => {
                self.emit("reset", &(reset, reset.cursor.to_string())).await?;
                Ok(reset.cursor.seq())
            }
            Delivery::Heartbeat(cursor) => {
                self.emit("cursor", &(cursor.to_string(),)).await?;
                Ok(cursor.seq())
            }
            _ => Ok(0),
        }
    }

    async fn emit<T: Serialize>(&self, event: &str, arguments: &T) -> Result<(), Unreachable> {
        self.send(|| self.socket.emit(event, arguments)).await
    }

    /// Sends something, trying again while the buffer is full.
    ///
    /// The engine closes the connection when it finds no room for a ping. It cannot when its writer is stuck, so a
    /// client that takes nothing at all is given up here.
    async fn send(&self, send: impl Fn() -> Result<(), SendError>) -> Result<(), Unreachable> {
        let given_up = Instant::now() + self.patience;
        let mut pause = PAUSE;
        loop {
            match send() {
                Ok(()) => return Ok(()),
                Err(SendError::Socket(SocketError::InternalChannelFull)) if self.socket.connected() => {}
                Err(SendError::Socket(_)) => return Err(Unreachable),
                Err(SendError::Serialize(error)) => {
                    tracing::error!(%error, "a packet could not be encoded");
                    return Ok(());
                }
            }
            if Instant::now() >= given_up {
                tracing::debug!("a client does not read and is given up");
                return Err(Unreachable);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
