//! The ways out of a session: held HTTP requests, or a WebSocket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use feathers_core::{DeliveredEvent, Result, WireFormat};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::packet;
use super::repeat::{Kept, Mark, Sent};
use crate::kit::budget::{Account, Permit, SMALL};
use crate::websocket::frame;
use crate::websocket::{Ended, Message, WebSocket};

/// The WebSocket of a client.
pub(super) type Socket = WebSocket<TokioIo<Upgraded>>;

/// From this many bytes on, a poll is answered without waiting for more.
const POLL_BYTES: usize = 64 << 10;

/// From this many bytes on nothing more is taken from a client that does not poll.
const CHOKED: usize = 4 * POLL_BYTES;

/// How long a client may take to try a WebSocket.
const PROBE: Duration = Duration::from_secs(10);

/// How packets leave.
#[derive(Debug)]
pub(super) enum Outlet {
    /// In the answers to held requests.
    Polling(Polling),
    /// On a WebSocket.
    Socket(Socket),
}

/// The packets that wait for the next poll.
#[derive(Debug, Default)]
pub(super) struct Polling {
    /// The account that the answers count for.
    account: Option<Arc<Account>>,
    waiting: VecDeque<Bytes>,
    bytes: usize,
    /// Whether the answer to a call is among them.
    owes_answers: bool,
    /// The poll that is held, and its mark.
    held: Option<(oneshot::Sender<Bytes>, Option<Mark>)>,
    /// The answer to the last poll that had a mark, for the case that it comes again.
    kept: Option<Kept>,
    /// The last POST, for the same case.
    sent: Option<Sent>,
    /// The WebSocket that the client tries.
    probe: Option<Box<Probe>>,
}

#[derive(Debug)]
struct Probe {
    socket: Socket,
    until: Instant,
    /// The client has got an answer on the WebSocket and wants its polls to end.
    heard: bool,
}

/// What becomes of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It waits for packets, or has got its answer again.
    Taken,
    /// There is another one already.
    Twice,
    /// It asks again for an answer that is no longer there.
    Lost,
}

impl Outlet {
    /// Sends a packet.
    pub(super) fn send(&mut self, packet: Bytes) {
        match self {
            Self::Polling(polling) => polling.push(packet),
            Self::Socket(socket) => socket.queue(frame::text(&packet)),
        }
    }

    /// Sends the answer to a call, with the leave to hold it.
    pub(super) fn send_answer(&mut self, packet: Bytes, permit: Permit) {
        match self {
            Self::Polling(polling) => {
                polling.owes_answers = true;
                polling.push(if packet.len() > SMALL { permit.hold(packet) } else { packet });
            }
            Self::Socket(socket) => socket.queue_held(frame::text(&packet), permit),
        }
    }

    /// Sends the answer to a call that was not even tried.
    pub(super) fn send_refusal(&mut self, packet: Bytes) {
        if let Self::Polling(polling) = self {
            polling.owes_answers = true;
        }
        self.send(packet);
    }

    /// Sends an event; its packet or frame is made once for all clients.
    pub(super) fn send_event(&mut self, event: &DeliveredEvent) -> Result<()> {
        static PACKET: WireFormat = WireFormat::new();
        static FRAME: WireFormat = WireFormat::new();
        match self {
            Self::Polling(polling) => polling.push(event.frame(&PACKET, packet::event)?),
            Self::Socket(socket) => {
                socket.queue(event.frame(&FRAME, |event| Ok(frame::text(&packet::event(event)?)))?);
            }
        }
        Ok(())
    }

    /// Tells whether events may be taken from the log.
    ///
    /// A client that polls takes them when it asks; until then they stay in the log, where they cost nothing.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Polling(polling) => polling.held.is_some() && polling.bytes < POLL_BYTES,
            Self::Socket(socket) => socket.has_room(),
        }
    }

    /// Tells whether so much waits to leave that nothing more should be taken from the client.
    pub(super) fn is_choked(&self) -> bool {
        match self {
            Self::Polling(polling) => polling.bytes >= CHOKED,
            Self::Socket(socket) => socket.is_choked(),
        }
    }

    /// Tells whether the client has much to read, and has read some of it since the last time.
    pub(super) fn is_reading(&mut self) -> bool {
        match self {
            Self::Polling(_) => false,
            Self::Socket(socket) => socket.take_heard() && socket.is_choked(),
        }
    }

    /// Tells whether nothing waits to leave; what a client that polls has not asked for counts only if there are
    /// answers among it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Polling(polling) => polling.waiting.is_empty() || polling.held.is_none() && !polling.owes_answers,
            Self::Socket(socket) => socket.is_empty(),
        }
    }

    /// Tells whether what is sent can leave now; to a client that polls, only while it asks.
    pub(super) fn is_asked(&self) -> bool {
        match self {
            Self::Polling(polling) => polling.held.is_some(),
            Self::Socket(_) => true,
        }
    }

    /// Lets out what can leave now. `Err` means that the client has gone.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>, max_message: usize) -> Result<(), Gone> {
        match self {
            Self::Polling(polling) => {
                polling.answer(max_message);
                Ok(())
            }
            Self::Socket(socket) => match socket.poll_flush(cx) {
                Poll::Ready(Err(_)) => Err(Gone),
                Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
            },
        }
    }
}

/// The client has gone without a word.
#[derive(Debug)]
pub(super) struct Gone;

impl Polling {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self { account: Some(account), ..Self::default() }
    }

    fn push(&mut self, packet: Bytes) {
        self.bytes += packet.len();
        self.waiting.push_back(packet);
    }

    /// Tells whether the answer to a call waits for a poll.
    pub(super) fn owes_answers(&self) -> bool {
        self.owes_answers
    }

    /// Holds a poll. One that has come before gets the same answer again, or takes over where the first still waits.
    pub(super) fn hold(&mut self, poll: oneshot::Sender<Bytes>, mark: Option<Mark>) -> Turn {
        if let (Some(kept), Some(mark)) = (&self.kept, &mark)
            && kept.is_of(mark)
        {
            let Some(body) = kept.body() else { return Turn::Lost };
            let _ = poll.send(body.clone());
            return Turn::Taken;
        }
        if let Some((held, first)) = &self.held
            && !held.is_closed()
            && (mark.is_none() || *first != mark)
        {
            return Turn::Twice;
        }
        // The client goes on, so it has got the last answer.
        self.kept = None;
        self.held = Some((poll, mark));
        self.release();
        Turn::Taken
    }

    /// Tells whether a POST is the last one once more.
    pub(super) fn repeats(&self, sent: Option<&Sent>) -> bool {
        sent.is_some() && self.sent.as_ref() == sent
    }

    /// Notes a POST.
    pub(super) fn note(&mut self, sent: Option<Sent>) {
        self.sent = sent;
    }

    /// Begins to listen to a WebSocket that the client tries. A second one is closed.
    pub(super) fn try_socket(&mut self, socket: Socket) {
        if self.probe.is_some() {
            return;
        }
        self.probe = Some(Box::new(Probe { socket, until: Instant::now() + PROBE, heard: false }));
    }

    /// Ends the held poll with nothing in it, so that the client can go over to its WebSocket.
    fn release(&mut self) {
        let wanted = self.probe.as_ref().is_some_and(|probe| probe.heard);
        if wanted && self.held.is_some() && self.waiting.is_empty() {
            self.push(packet::NOOP);
        }
    }

    /// Answers the held poll if there is something to say: as much as fits.
    pub(super) fn answer(&mut self, max_message: usize) {
        // A poll whose client has gone takes nothing along.
        if self.held.as_ref().is_some_and(|(held, _)| held.is_closed()) {
            self.held = None;
        }
        if self.waiting.is_empty() {
            return;
        }
        let Some((held, mark)) = self.held.take() else { return };
        let mut body = BytesMut::new();
        while let Some(packet) = self.waiting.pop_front() {
            if !body.is_empty() {
                // A stock client drops what comes in one answer with the close: that is for the next poll.
                let closes = packet == packet::CLOSE;
                if closes || body.len() + packet.len() + 1 > max_message {
                    self.owes_answers |= closes;
                    self.waiting.push_front(packet);
                    break;
                }
                body.put_u8(packet::SEPARATOR);
            }
            self.bytes -= packet.len();
            body.extend_from_slice(&packet);
        }
        let body = body.freeze();
        self.owes_answers &= !self.waiting.is_empty();
        // Counted until it has left, and for as long as it is kept.
        let body = match &self.account {
            Some(account) if body.len() > SMALL => account.take_anyway(body.len()).hold(body),
            _ => body,
        };
        self.kept = mark.map(|mark| Kept::new(mark, &body));
        let _ = held.send(body);
    }

    /// Ends the session: a poll that is held is answered with that. A client that has closed it itself knows.
    pub(super) fn end(&mut self, known: bool, max_message: usize) {
        self.push(if known { packet::NOOP } else { packet::CLOSE });
        self.answer(max_message);
    }

    /// Gives up a WebSocket that the client has begun to try and does not go over to.
    pub(super) fn give_up_probe(&mut self, now: Instant) {
        if self.probe.as_ref().is_some_and(|probe| probe.until <= now) {
            self.probe = None;
        }
    }

    /// Goes over to the WebSocket: what waits goes out there.
    pub(super) fn into_socket(self, mut socket: Socket) -> Socket {
        if let Some((held, _)) = self.held {
            let _ = held.send(packet::NOOP);
        }
        for packet in self.waiting {
            socket.queue(frame::text(&packet));
        }
        socket
    }

    /// Polls the WebSocket that the client tries; returns it when the client goes over to it.
    pub(super) fn poll_probe(&mut self, cx: &mut Context<'_>) -> Option<Socket> {
        loop {
            let probe = self.probe.as_mut()?;
            let Poll::Ready(message) = probe.socket.poll_message(cx) else {
                if let Poll::Ready(Err(_)) = probe.socket.poll_flush(cx) {
                    self.probe = None;
                }
                return None;
            };
            match message {
                Ok(Message::Text(text)) if text == packet::PROBE => {
                    probe.socket.queue(frame::text(&packet::PROBED));
                    probe.heard = true;
                    self.release();
                }
                Ok(Message::Text(text)) if text == packet::UPGRADE => {
                    return self.probe.take().map(|probe| probe.socket);
                }
                Ok(Message::Ping(payload)) => probe.socket.queue(frame::pong(&payload)),
                Ok(Message::Pong) => {}
                Ok(Message::Text(_) | Message::Binary(_) | Message::Close(_))
                | Err(Ended::Gone | Ended::Violation(_)) => {
                    self.probe = None;
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::budget::{Budget, Limits};

    const MOST: usize = 1_000_000;

    fn poll(polling: &mut Polling, mark: &str) -> oneshot::Receiver<Bytes> {
        let (sender, answer) = oneshot::channel();
        assert_eq!(polling.hold(sender, Mark::new(Some(mark))), Turn::Taken);
        polling.answer(MOST);
        answer
    }

    #[test]
    fn an_answer_counts_until_the_next_poll_shows_that_it_has_arrived() {
        let limits = Limits { max_in_flight_per_connection: 150_000, ..Limits::default() };
        let account = Budget::new(limits, PROBE).link().account(None);
        let mut polling = Polling::new(account.clone());
        polling.push(vec![b'x'; 100_000].into());
        for _ in 0..2 {
            let answer = poll(&mut polling, "a").try_recv().unwrap();
            assert_eq!(answer.len(), 100_000);
            drop(answer);
            assert_eq!(account.take(100_000).map(drop).unwrap_err().code(), 429);
        }
        let _next = poll(&mut polling, "b");
        account.take(100_000).map(drop).unwrap();
    }
}
