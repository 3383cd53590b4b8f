//! The records of the servers that are written by hand: a map behind a lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use serde::Deserialize;

use crate::message::{Message, MessageData, SEED, seed};

#[derive(Default)]
pub(crate) struct Store {
    next: AtomicI64,
    messages: RwLock<BTreeMap<i64, Message>>,
}

/// What a client sends: one message, or several at once.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Sent {
    One(MessageData),
    Several(Vec<MessageData>),
}

impl Store {
    /// Makes a store with the messages that all servers have at the start.
    pub(crate) fn seeded() -> Self {
        let store = Self::default();
        for number in 0..SEED {
            store.create(seed(number));
        }
        store
    }

    pub(crate) fn create(&self, data: MessageData) -> Message {
        let id = 1 + self.next.fetch_add(1, Ordering::Relaxed);
        let message = Message { id, text: data.text, user: data.user, ts: data.ts };
        self.messages.write().unwrap_or_else(PoisonError::into_inner).insert(id, message.clone());
        message
    }

    /// Stores what was sent, and hands each message over as JSON. Returns whether it could be read.
    pub(crate) fn create_all(&self, body: &[u8], mut publish: impl FnMut(Vec<u8>)) -> bool {
        let Ok(sent) = serde_json::from_slice(body) else { return false };
        let messages = match sent {
            Sent::One(message) => vec![message],
            Sent::Several(messages) => messages,
        };
        for message in messages {
            if let Ok(json) = serde_json::to_vec(&self.create(message)) {
                publish(json);
            }
        }
        true
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, BTreeMap<i64, Message>> {
        self.messages.read().unwrap_or_else(PoisonError::into_inner)
    }
}
