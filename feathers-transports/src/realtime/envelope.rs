//! The JSON around an event: `{"path":"todos","event":"created","data":{..}}`.

use std::io::Write;

use bytes::Bytes;
use feathers_core::{Cursor, DeliveredEvent, Result, WireFormat};
use serde::Serialize;

/// Bytes around path, event and data.
const AROUND: usize = 96;

/// Returns an event as it stands in a poll's answer; it is encoded once for all clients.
pub(crate) fn item(event: &DeliveredEvent) -> Result<Bytes> {
    static ITEM: WireFormat = WireFormat::new();
    event.frame(&ITEM, |event| {
        let data = event.json();
        let mut out = buffer(event, data);
        write!(out, "{{\"id\":\"{}\",", event.cursor())?;
        fields(&mut out, event.path(), event.name(), data)?;
        out.push(b'}');
        Ok(out.into())
    })
}

/// Returns an event as a block of a stream; it is encoded once for all clients.
pub(crate) fn block(event: &DeliveredEvent) -> Result<Bytes> {
    static BLOCK: WireFormat = WireFormat::new();
    event.frame(&BLOCK, |event| {
        let data = event.json();
        let mut out = buffer(event, data);
        write!(out, "id: {}\ndata: {{", event.cursor())?;
        fields(&mut out, event.path(), event.name(), data)?;
        out.extend_from_slice(b"}\n\n");
        Ok(one_block(out))
    })
}

/// Returns an event as a block with a name, for `addEventListener("todos created", ..)`.
pub(crate) fn named_block(event: &DeliveredEvent) -> Result<Bytes> {
    static NAMED: WireFormat = WireFormat::new();
    event.frame(&NAMED, |event| {
        let data = event.json();
        let mut out = buffer(event, data);
        let name = format!("{} {}", event.path(), event.name());
        write!(out, "event: {}\nid: {}\ndata: ", plain(&name), event.cursor())?;
        out.extend_from_slice(data);
        out.extend_from_slice(b"\n\n");
        Ok(one_block(out))
    })
}

/// Returns a block with a message of the transport itself.
///
/// Without a cursor, a client that is cut off after it reconnects with what it had before.
pub(super) fn own_block(kind: &str, cursor: Option<Cursor>, path: &str, event: &str, data: &impl Serialize) -> Bytes {
    let mut out = format!("event: {kind}\n").into_bytes();
    if let Some(cursor) = cursor {
        out.extend_from_slice(format!("id: {cursor}\n").as_bytes());
    }
    out.extend_from_slice(b"data: {");
    let written = serde_json::to_vec(data).map_err(Into::into).and_then(|data| fields(&mut out, path, event, &data));
    debug_assert!(written.is_ok(), "own messages can be written");
    out.extend_from_slice(b"}\n\n");
    out.into()
}

fn fields(out: &mut Vec<u8>, path: &str, event: &str, data: &[u8]) -> Result<()> {
    out.extend_from_slice(b"\"path\":");
    serde_json::to_writer(&mut *out, path)?;
    out.extend_from_slice(b",\"event\":");
    serde_json::to_writer(&mut *out, event)?;
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(data);
    Ok(())
}

fn buffer(event: &DeliveredEvent, data: &[u8]) -> Vec<u8> {
    Vec::with_capacity(data.len() + event.path().len() + event.name().len() + AROUND)
}

/// Takes out what would end the line of a field.
fn plain(name: &str) -> String {
    name.chars().filter(|char| !char.is_control()).collect()
}

/// Makes sure that a block ends only at its end.
///
/// JSON escapes the line ends in its strings; those between its tokens, which a service may have written, mean nothing.
fn one_block(mut block: Vec<u8>) -> Bytes {
    let data = block.windows(6).position(|bytes| bytes == b"\ndata:").map_or(0, |at| at + 1);
    let end = block.len().saturating_sub(2);
    if let Some(data) = block.get_mut(data..end) {
        for byte in data.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }
    block.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{one_block, own_block, plain};

    #[test]
    fn a_block_cannot_be_ended_from_inside() {
        let check = |block: &str, expected: &str| {
            assert_eq!(one_block(block.as_bytes().to_vec()), expected.as_bytes());
        };
        check("id: a-1\ndata: {}\n\n", "id: a-1\ndata: {}\n\n");
        check("id: a-1\ndata: {\n\n\"a\":\r\n1}\n\n", "id: a-1\ndata: {  \"a\":  1}\n\n");
        assert_eq!(plain("todos\r\ndata: x\0 created"), "todosdata: x created");
    }

    #[test]
    fn own_messages_have_the_envelope_of_events() {
        let block = own_block("ready", None, "realtime", "connected", &json!({ "recovered": false }));
        let expected =
            "event: ready\ndata: {\"path\":\"realtime\",\"event\":\"connected\",\"data\":{\"recovered\":false}}\n\n";
        assert_eq!(block, expected.as_bytes());
    }
}
