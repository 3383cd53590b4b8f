//! The record that all candidates serve.

use feathers::prelude::*;

/// A chat message of about 150 bytes.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct Message {
    #[service(id)]
    pub(crate) id: i64,
    pub(crate) text: String,
    pub(crate) user: String,
    #[service(default)]
    pub(crate) ts: i64,
}

/// How many messages there are at the start.
pub(crate) const SEED: i64 = 1_000;

/// Returns the message at the start.
pub(crate) fn seed(number: i64) -> MessageData {
    let text = format!("message number {number} {}", "x".repeat(80));
    MessageData { id: None, text, user: "u1".to_owned(), ts: Some(number) }
}
