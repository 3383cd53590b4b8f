//! One connected client: its session and its calls.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feathers_core::{AppHandle, Error, Params, Payload, Result, Session, UnderWay};
use futures_util::FutureExt;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::{FromMessageParts, MessageHandler, Value};
use socketioxide::socket::Socket;
use tokio::sync::mpsc;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::kit::budget::{Permit, cost_of_call};
use crate::kit::calls::{Bucket, CONCURRENT};
use crate::kit::decode;
use crate::socketioxide::Tasks;
use crate::socketioxide::calls::{Calls, Job};

/// A client that has been let in.
///
/// It does not hold its socket, which holds it.
#[derive(Debug)]
pub(super) struct Client {
    app: AppHandle,
    session: Mutex<Option<Session>>,
    calls: Calls<ReplyTo>,
    answers: mpsc::Sender<Answer>,
    tasks: Tasks,
    /// What is kept of the request that began the session.
    _kept: Permit,
}

/// An answer on its way to the client.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) to: ReplyTo,
    pub(super) result: Result<Payload>,
    /// Events up to here go first.
    pub(super) head: u64,
    /// The connection waits until it has left.
    pub(super) _under_way: Option<UnderWay>,
}

/// Where an answer goes.
#[derive(Debug)]
pub(super) struct ReplyTo {
    socket: Arc<Socket>,
    id: i64,
    /// The shutdown waits for it.
    _under_way: TaskTrackerToken,
}

impl ReplyTo {
    /// Returns what sends the answer; each can be used once, and another one is there to try again.
    pub(super) fn sender(&self) -> AckSender {
        let Ok(sender) =
            AckSender::from_message_parts(&self.socket, &mut Value::Bytes(bytes::Bytes::new()), &Some(self.id));
        sender
    }
}

impl Client {
    pub(super) fn new(
        app: AppHandle,
        session: Session,
        tasks: Tasks,
        kept: Permit,
        bucket: Bucket,
    ) -> (Arc<Self>, mpsc::Receiver<Answer>) {
        let (sender, answers) = mpsc::channel(CONCURRENT);
        let session = Mutex::new(Some(session));
        let calls = Calls::new(kept.account(), bucket);
        let client = Self { app, session, calls, answers: sender, tasks, _kept: kept };
        (Arc::new(client), answers)
    }

    /// Returns what all clients share.
    pub(super) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Ends the session; calls under way finish.
    pub(super) fn end(&self) {
        let session = self.lock().take();
        drop(session);
    }

    /// Tells whether the session is over.
    pub(super) fn is_over(&self) -> bool {
        self.lock().is_none()
    }

    /// Takes a call in, in the order of arrival: it has started, or waits for its turn, when this returns.
    fn accept(self: &Arc<Self>, socket: Arc<Socket>, message: &Value, id: Option<i64>) {
        let begun = self.lock().as_ref().map(|session| (session.params(), session.connection().call_begins()));
        let Some((params, under_way)) = begun else { return };
        let call = match message {
            _ if self.app.is_stopping() => Err(Error::unavailable("the server is shutting down")),
            Value::Str(text, None) => Ok((bytes::Bytes::copy_from_slice(text.as_bytes()), params)),
            Value::Str(_, Some(_)) | Value::Bytes(_) => Err(Error::bad_request("binary data is not supported")),
        };
        let reply = id.map(|id| ReplyTo { socket, id, _under_way: self.tasks.calls.token() });
        let permit = match self.calls.admit(message.len()) {
            Ok(permit) => permit,
            Err(error) => {
                // A client that floods and does not read misses even this; it is closed by the next ping.
                let _ = reply.map(|reply| reply.sender().send(&(error,)));
                return;
            }
        };
        if let Some(job) = self.calls.submit(Job { reply, call, under_way: Some(under_way), permit }) {
            // The first step happens here, so that calls start in order; short ones end here, too.
            let mut work = self.clone().work(*job).boxed();
            if (&mut work).now_or_never().is_none() {
                self.app.spawn(work);
            }
        }
    }

    /// Runs a call and then those that wait.
    async fn work(self: Arc<Self>, job: Job<ReplyTo>) {
        let mut next = Some(job);
        while let Some(job) = next {
            let result = self.run(job.call, job.permit).await;
            if let Some(to) = job.reply {
                let head = self.app.log().head().seq();
                // If this fails, the client has gone.
                let _ = self.answers.send(Answer { to, result, head, _under_way: job.under_way }).await;
            }
            next = self.calls.finished();
        }
    }

    async fn run(&self, call: Result<(bytes::Bytes, Params)>, mut permit: Permit) -> Result<Payload> {
        let work = async {
            let (text, params) = call?;
            permit.grow(cost_of_call(&text))?;
            let call = decode::call(&self.app, std::str::from_utf8(&text).unwrap_or_default(), params)?;
            drop(text);
            let reply = self.app.call_holding(call, Box::new(permit)).await?;
            let payload = reply.ack().clone();
            // Encoded here and not where the answers are sent, so that a failing type harms only its own call.
            payload.to_bytes()?;
            Ok(payload)
        };
        AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(Error::internal("panic while encoding")))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands every event of a client to it as a call.
#[derive(Debug)]
pub(super) struct Requests(pub(super) Arc<Client>);

/// Says that a handler takes messages as they are, and in order; the handlers of closures are tasks without an order.
#[derive(Debug)]
pub(super) struct Raw;

impl MessageHandler<LocalAdapter, Raw> for Requests {
    fn call(&self, socket: Arc<Socket>, message: Value, id: Option<i64>) {
        self.0.accept(socket, &message, id);
    }
}
