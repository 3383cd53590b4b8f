//! The record that all peers serve, by hand.

use serde::{Deserialize, Serialize};

/// A chat message of about 150 bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) user: String,
    pub(crate) ts: i64,
}

/// What a client sends of it.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageData {
    pub(crate) text: String,
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) ts: i64,
}

/// How many messages there are at the start.
pub(crate) const SEED: i64 = 1_000;

/// Returns a message of the start.
pub(crate) fn seed(number: i64) -> MessageData {
    MessageData { text: format!("message number {number} {}", "x".repeat(80)), user: "u1".to_owned(), ts: number }
}
