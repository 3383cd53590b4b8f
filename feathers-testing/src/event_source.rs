//! Reads an event stream as a browser does, rule by rule of the HTML standard.

/// What a page gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The type, `message` if nothing is said.
    pub kind: String,
    /// The data, its lines joined.
    pub data: String,
    /// The last id that has come.
    pub last_id: String,
}

/// Returns all messages that are complete.
pub fn read(bytes: &[u8]) -> Vec<Message> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut messages = Vec::new();
    let mut message = Message::default();
    // A line ends with CR LF, with LF or with CR.
    while let Some(end) = rest.find(['\r', '\n']) {
        let line = &rest[..end];
        rest = &rest[end..];
        rest = rest.strip_prefix("\r\n").unwrap_or_else(|| &rest[1..]);
        if line.is_empty() {
            let last_id = message.last_id.clone();
            let done = std::mem::replace(&mut message, Message { last_id, ..Message::default() });
            if let Some(data) = done.data.strip_suffix('\n') {
                let kind = if done.kind.is_empty() { "message".to_owned() } else { done.kind };
                messages.push(Message { kind, data: data.to_owned(), last_id: done.last_id });
            }
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut message.kind),
            "data" => message.data.extend([value, "\n"]),
            "id" if !value.contains('\0') => value.clone_into(&mut message.last_id),
            _ => {}
        }
    }
    messages
}

#[test]
fn the_reader_follows_the_standard() {
    let read = |text: &str| -> Vec<_> {
        read(text.as_bytes()).into_iter().map(|message| (message.kind, message.data, message.last_id)).collect()
    };
    let message = |kind: &str, data: &str, id: &str| (kind.to_owned(), data.to_owned(), id.to_owned());
    assert_eq!(read("data: a\n\ndata:b\r\rdata: c\r\n\r\n").len(), 3);
    assert_eq!(read("id: 1\nevent: x\ndata: a\ndata:  b\n\n"), [message("x", "a\n b", "1")]);
    assert_eq!(read("id: 1\n\nid: 2\0\ndata\n\n: data: x\n\ndata: y"), [message("message", "", "1")]);
    assert_eq!(read("\u{feff}data: a\u{2028}b\n\n"), [message("message", "a\u{2028}b", "")]);
}
