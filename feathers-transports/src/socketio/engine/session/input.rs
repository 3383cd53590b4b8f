//! What a client sends: packets on its WebSocket or in the bodies of its requests.

use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use feathers_core::{Error, Result};
use tokio::sync::oneshot;

use super::{Client, Driver, Due, End};
use crate::kit::budget::Permit;
use crate::kit::close_code;
use crate::kit::incoming::Incoming;
use crate::socketio::engine::outbox::{Outlet, Socket, Turn};
use crate::socketio::engine::packet::{self, Packet};
use crate::socketio::engine::repeat::{Mark, Sent};
use crate::websocket::{Ended, Message, frame};

/// How many messages are read before others get a turn.
const TURN: usize = 32;

/// What the HTTP requests of a client say to its session.
#[derive(Debug)]
pub(in crate::socketio::engine) enum Command {
    /// A poll; the answer is a body of packets.
    Poll(oneshot::Sender<Bytes>, Option<Mark>),
    /// A body of packets; `false` means that there was something wrong with it.
    Post(Incoming, Option<Sent>, oneshot::Sender<bool>),
    /// A WebSocket that the client wants to go over to.
    Probe(Box<Socket>),
}

/// A body of packets, and the request that waits for it to be taken in.
pub(super) struct Posted {
    /// What has not been taken in; `None` after the last packet.
    rest: Option<Bytes>,
    /// The leave to hold it, where it is not small.
    _permit: Option<Permit>,
    done: oneshot::Sender<bool>,
}

impl Posted {
    fn next_packet(&mut self) -> Option<Bytes> {
        let rest = self.rest.as_mut()?;
        let Some(end) = rest.iter().position(|byte| *byte == packet::SEPARATOR) else { return self.rest.take() };
        let packet = rest.split_to(end);
        rest.advance(1);
        Some(packet)
    }
}

impl Driver {
    /// Reads what the client sends; `true` if there may be more.
    pub(super) fn take_in(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut busy = false;
        while let Some(commands) = &mut self.commands {
            match commands.poll_recv(cx) {
                Poll::Ready(Some(command)) => {
                    self.command(command)?;
                    busy = true;
                }
                Poll::Ready(None) => self.commands = None,
                Poll::Pending => break,
            }
        }
        busy |= self.take_posted()?;
        if let Outlet::Polling(polling) = &mut self.outlet
            && let Some(socket) = polling.poll_probe(cx)
        {
            let polling = std::mem::take(polling);
            self.outlet = Outlet::Socket(polling.into_socket(socket));
            self.session_permit = None;
            busy = true;
        }
        for _ in 0..TURN {
            // A client whose answers do not leave is not read from.
            let Outlet::Socket(socket) = &mut self.outlet else { return Ok(busy) };
            if socket.is_choked() || self.calls.is_choked() {
                return Ok(busy);
            }
            match socket.poll_message(cx) {
                Poll::Pending => return Ok(busy),
                Poll::Ready(message) => {
                    self.message(message)?;
                    busy = true;
                }
            }
        }
        Ok(true)
    }

    fn command(&mut self, command: Command) -> Result<(), End> {
        let Outlet::Polling(polling) = &mut self.outlet else {
            // The client has gone over to a WebSocket; dropping the request answers it with a 400.
            return Ok(());
        };
        match command {
            Command::Poll(poll, mark) => match polling.hold(poll, mark) {
                Turn::Taken => Ok(()),
                Turn::Twice => Err(End::Left { code: close_code::PROTOCOL }),
                Turn::Lost => Err(End::Lost),
            },
            Command::Probe(socket) => {
                polling.try_socket(*socket);
                Ok(())
            }
            Command::Post(_, sent, done) if polling.repeats(sent.as_ref()) => {
                match &mut self.posted {
                    Some(posted) => posted.done = done,
                    None => drop(done.send(true)),
                }
                Ok(())
            }
            Command::Post(..) if self.posted.is_some() => Err(End::Left { code: close_code::PROTOCOL }),
            Command::Post(body, sent, done) => {
                polling.note(sent);
                self.posted = Some(Box::new(Posted { rest: Some(body.bytes), _permit: body.permit, done }));
                Ok(())
            }
        }
    }

    /// Takes packets of an HTTP body in; `true` if there may be more. A client that does not poll has to wait.
    fn take_posted(&mut self) -> Result<bool, End> {
        for turn in 0..TURN {
            let Some(posted) = self.posted.as_mut().filter(|_| !self.outlet.is_choked()) else { return Ok(turn > 0) };
            let (packet, last) = (posted.next_packet(), posted.rest.is_none());
            let result = packet.map_or(Ok(()), |packet| self.posted_packet(&packet));
            if (last || result.is_err())
                && let Some(posted) = self.posted.take()
            {
                let _ = posted.done.send(matches!(result, Ok(()) | Err(End::Closed)));
            }
            result?;
        }
        Ok(true)
    }

    fn posted_packet(&mut self, packet: &[u8]) -> Result<(), End> {
        // Binary data is written in base64 after a `b`.
        if packet.first() == Some(&b'b') {
            return self.binary();
        }
        let text = std::str::from_utf8(packet).map_err(|_| End::Left { code: close_code::INVALID })?;
        self.packet(text)
    }

    fn message(&mut self, message: Result<Message, Ended>) -> Result<(), End> {
        match message {
            Ok(Message::Text(text)) => {
                let text = std::str::from_utf8(&text).map_err(|_| End::Left { code: close_code::INVALID })?;
                self.packet(text)
            }
            Ok(Message::Binary(_)) => self.binary(),
            Ok(Message::Ping(payload)) => {
                if let Outlet::Socket(socket) = &mut self.outlet {
                    socket.queue(frame::pong(&payload));
                }
                Ok(())
            }
            Ok(Message::Pong) => Ok(()),
            Ok(Message::Close(_)) | Err(Ended::Gone) => Err(End::Lost),
            Err(Ended::Violation(violation)) => Err(End::Left { code: violation.code }),
        }
    }

    /// Takes binary data: the attachments of a packet that was refused, and nothing else.
    fn binary(&mut self) -> Result<(), End> {
        self.attachments = self.attachments.checked_sub(1).ok_or(End::Left { code: close_code::UNSUPPORTED })?;
        Ok(())
    }

    fn packet(&mut self, text: &str) -> Result<(), End> {
        let wrong = End::Left { code: close_code::PROTOCOL };
        match packet::parse(text).ok_or(wrong)? {
            Packet::Pong => {
                if self.due == Due::Pong {
                    self.schedule(Due::Ping, self.engine.options.ping_interval);
                }
                Ok(())
            }
            Packet::Close => Err(End::Closed),
            Packet::Connect { namespace: "/", auth } => self.join(auth),
            Packet::Connect { namespace, .. } => {
                self.outlet.send(packet::refused(namespace, &Error::not_found("Invalid namespace")));
                Ok(())
            }
            Packet::Disconnect => self.leave(),
            Packet::Event { id, arguments } => self.call(id, arguments),
            Packet::Binary { .. } if !matches!(self.client, Client::Connected(_)) => Err(wrong),
            Packet::Binary { id, attachments } => {
                self.attachments = attachments;
                self.refuse(id, Error::bad_request("binary data is not supported"));
                Ok(())
            }
            Packet::Ignored => Ok(()),
        }
    }
}
