//! Answers of an HTTP server: the status and where the answer ends.

use crate::outcome::Outcome;

/// The most fields of an answer's head.
const FIELDS: usize = 32;

/// The beginning of an answer: its status, and the bytes of head and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) length: usize,
    pub(super) body: usize,
}

/// Reads the head of an answer; nothing while it is incomplete.
///
/// Every server here says how long its answers are; one that does not is an error, unless the answer has no end.
pub(super) fn head(bytes: &[u8]) -> Outcome<Option<Head>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
    let status = response.code.unwrap_or_default();
    let body = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let body = match body {
        Some(field) => std::str::from_utf8(field.value)?.trim().parse()?,
        None => 0,
    };
    Ok(Some(Head { status, length, body }))
}

/// Says what an answer of another kind than expected was.
pub(super) fn unexpected(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    format!("an unexpected answer: {}", text.chars().take(300).collect::<String>())
}
