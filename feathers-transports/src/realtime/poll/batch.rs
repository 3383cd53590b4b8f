//! The events of one answer.

use std::time::Duration;

use bytes::Bytes;
use feathers_core::{Cursor, Delivery, Reset};

use crate::realtime::envelope;

/// Bytes of an answer around its events.
const AROUND: usize = 256;

/// Events, up to a number and a size, and where the client stands after them.
#[derive(Debug)]
pub(crate) struct Batch {
    events: Vec<Bytes>,
    bytes: usize,
    limit: usize,
    max_bytes: usize,
    cursor: Cursor,
    more: bool,
    reset: Option<Reset>,
}

impl Batch {
    pub(super) fn new(cursor: Cursor, limit: usize, max_bytes: usize) -> Self {
        Self { events: Vec::new(), bytes: 0, limit, max_bytes, cursor, more: false, reset: None }
    }

    /// Tells whether there is nothing in it that is worth an answer.
    pub(crate) fn is_blank(&self) -> bool {
        self.events.is_empty() && !self.is_closed()
    }

    /// Tells whether nothing more goes in.
    pub(super) fn is_closed(&self) -> bool {
        self.more || self.reset.is_some() || self.is_full()
    }

    pub(super) fn is_full(&self) -> bool {
        self.events.len() >= self.limit || self.bytes >= self.max_bytes && !self.events.is_empty()
    }

    pub(crate) fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Notes that everything up to here is in the batch or was not for this client.
    pub(super) fn advance(&mut self, cursor: Cursor) {
        self.cursor = cursor;
    }

    /// Notes that more is there.
    pub(super) fn leave_rest(&mut self) {
        self.more = true;
    }

    /// Adds a delivery; `false` if it must be left for the next answer.
    pub(super) fn push(&mut self, delivery: &Delivery) -> bool {
        match delivery {
            Delivery::Event(event) => {
                match envelope::item(event) {
                    Ok(item) => {
                        self.bytes += item.len();
                        self.events.push(item);
                    }
                    Err(error) => tracing::error!(?error, "an event could not be encoded"),
                }
                self.cursor = event.cursor();
            }
            // A reset stands alone: what came before it is answered first.
            Delivery::Reset(_) if !self.events.is_empty() => return false,
            Delivery::Reset(reset) => {
                self.cursor = reset.cursor;
                self.reset = Some(*reset);
            }
            _ => {}
        }
        true
    }

    /// Writes the answer; `interval` is when a short poll should come again.
    pub(super) fn into_body(self, token: &str, interval: Option<Duration>) -> Bytes {
        let size = self.bytes + self.events.len() + AROUND;
        let mut body = Vec::with_capacity(size);
        body.extend_from_slice(b"{\"events\":[");
        for (index, event) in self.events.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(event);
        }
        let Self { cursor, more, .. } = self;
        let rest = format!("],\"cursor\":\"{cursor}\",\"more\":{more},\"connectionToken\":\"{token}\"");
        body.extend_from_slice(rest.as_bytes());
        if let Some(reset) = self.reset.and_then(|reset| serde_json::to_vec(&reset).ok()) {
            body.extend_from_slice(b",\"reset\":");
            body.extend_from_slice(&reset);
        }
        if let Some(interval) = interval {
            let interval = if more { 0 } else { interval.as_millis() };
            body.extend_from_slice(format!(",\"retryAfterMs\":{interval}").as_bytes());
        }
        body.push(b'}');
        body.into()
    }
}
