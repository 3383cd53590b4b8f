//! A client of server-sent events that sees each block: `ready`, events with their ids, resets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::Value;

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// One block of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The field `event`.
    pub event: Option<String>,
    /// The field `id`.
    pub id: Option<String>,
    /// The field `retry`.
    pub retry: Option<String>,
    /// The field `data`.
    pub data: Option<String>,
}

impl Block {
    /// Reads a block, without the empty line at its end. Each field is there once.
    pub fn parse(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.split('\n') {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            let slot = match field {
                "event" => &mut block.event,
                "id" => &mut block.id,
                "retry" => &mut block.retry,
                "data" => &mut block.data,
                _ => panic!("unknown line {line:?}"),
            };
            assert_eq!(slot.replace(value.to_owned()), None, "twice: {line}");
        }
        block
    }

    /// Returns the data as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.data.as_ref().unwrap()).unwrap()
    }

    /// Returns the type of the event as `EventSource` has it.
    pub fn kind(&self) -> &str {
        self.event.as_deref().unwrap_or("message")
    }

    /// Returns the number of an event `ticked`.
    pub fn n(&self) -> u64 {
        assert_eq!(self.kind(), "message", "{self:?}");
        self.json()["data"]["n"].as_u64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// A client of a stream.
pub struct Events {
    chunks: Pin<Box<dyn Stream<Item = Option<Bytes>> + Send>>,
    text: String,
    /// The last id, as `EventSource` would send it.
    pub last_id: String,
    /// Whether the stream was cut off, and has not ended as a body should.
    pub cut: bool,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("last_id", &self.last_id).field("cut", &self.cut).finish_non_exhaustive()
    }
}

impl Events {
    /// Makes a client of the body of an answer; `None` is where it was cut off.
    pub fn new(chunks: impl Stream<Item = Option<Bytes>> + Send + 'static) -> Self {
        Self { chunks: Box::pin(chunks), text: String::new(), last_id: String::new(), cut: false }
    }

    /// Returns the next chunk, or what has not been parsed of one yet.
    pub async fn chunk(&mut self) -> Option<Bytes> {
        let chunk = tokio::time::timeout(PATIENCE, self.chunks.next()).await.expect("nothing comes");
        self.cut |= matches!(chunk, Some(None));
        chunk.flatten()
    }

    /// Returns the next block; `None` at the end of the stream.
    pub async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = Block::parse(&self.text[..end]);
                self.text.drain(..end + 2);
                if let Some(id) = &block.id {
                    self.last_id.clone_from(id);
                }
                return Some(block);
            }
            let chunk = self.chunk().await?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Reads what a stream begins with and returns the data of `ready`.
    pub async fn ready(&mut self) -> Value {
        let ready = self.next().await.unwrap();
        assert_eq!((ready.kind(), ready.retry.as_deref()), ("ready", Some("2000")));
        ready.json()["data"].clone()
    }

    /// Reads so many events and returns their numbers.
    pub async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            numbers.push(self.next().await.unwrap().n());
        }
        numbers
    }
}
