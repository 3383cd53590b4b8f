//! Items: what is published, as the control endpoint of a proxy reads it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use feathers_core::{DeliveredEvent, Result, WireFormat};
use serde::Serialize;

use super::item_id::ItemId;
use crate::realtime::{envelope, rpc};

/// The variable of a connection that holds the secret of its session.
pub(crate) const CONNECTION_TOKEN: &str = "connection_token";
/// The filter that puts it into the answers of polls.
pub(crate) const VAR_SUBST: &str = "var-subst";
/// By how much text can grow when it is written into JSON once more: a percent sign becomes seven bytes.
const WORST: usize = 7;
/// More than this an item does not hold: proxies take a megabyte.
const MOST_BYTES: usize = 900_000;

/// One item. It is written once for all proxies, when the first one gets it.
#[derive(Debug)]
pub(crate) struct Item {
    channel: Arc<str>,
    content: Content,
    size: usize,
    written: OnceLock<Bytes>,
}

#[derive(Debug)]
enum Content {
    /// An event for all that are held on the channel.
    Event { id: ItemId, prev: ItemId, event: DeliveredEvent, named: bool },
    /// There is something that each client has to read with its own rights.
    Hint { id: ItemId, prev: ItemId },
    /// The proxy has to ask again for one client.
    Again,
    /// An event for one WebSocket.
    One(DeliveredEvent),
    /// A message for one WebSocket.
    Text(Bytes),
    /// A ping for one WebSocket.
    Ping,
    /// The end of WebSockets.
    Close(u16, &'static str),
}

impl Item {
    fn new(channel: Arc<str>, content: Content, size: usize) -> Self {
        Self { size: size + channel.len() + 200, channel, content, written: OnceLock::new() }
    }

    /// Publishes an event; `named` is for streams whose blocks have names.
    pub(crate) fn event(channel: Arc<str>, id: ItemId, prev: ItemId, event: DeliveredEvent, named: bool) -> Self {
        let length = event.json().len();
        let size = if named { length } else { 3 * length };
        Self::new(channel, Content::Event { id, prev, event, named }, size)
    }

    /// Makes the proxy ask again for each client on a channel, for an event.
    pub(crate) fn hint(channel: Arc<str>, id: ItemId, prev: ItemId) -> Self {
        Self::new(channel, Content::Hint { id, prev }, 0)
    }

    /// Makes the proxy ask again for one client.
    pub(crate) fn again(channel: Arc<str>) -> Self {
        Self::new(channel, Content::Again, 0)
    }

    /// Publishes an event to one WebSocket.
    pub(crate) fn one(channel: Arc<str>, event: DeliveredEvent) -> Self {
        let size = event.json().len();
        Self::new(channel, Content::One(event), size)
    }

    /// Publishes a message to one WebSocket; the text is JSON.
    pub(crate) fn text(channel: Arc<str>, text: Bytes) -> Self {
        let size = text.len();
        Self::new(channel, Content::Text(text), size)
    }

    /// Pings one WebSocket.
    pub(crate) fn ping(channel: Arc<str>) -> Self {
        Self::new(channel, Content::Ping, 0)
    }

    /// Closes all `WebSockets` on a channel.
    pub(crate) fn close(channel: Arc<str>, code: u16, reason: &'static str) -> Self {
        Self::new(channel, Content::Close(code, reason), 0)
    }

    /// Tells whether a proxy takes it. What is far from the bound is not written for that.
    pub(crate) fn fits(&self) -> bool {
        self.size < MOST_BYTES / WORST || self.json().is_ok_and(|json| json.len() <= MOST_BYTES)
    }

    pub(crate) fn channel(&self) -> &Arc<str> {
        &self.channel
    }

    /// Returns about how many bytes it has.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Returns it as JSON.
    pub(crate) fn json(&self) -> Result<Bytes> {
        if let Some(written) = self.written.get() {
            return Ok(written.clone());
        }
        let written = Bytes::from(serde_json::to_vec(&self.written()?)?);
        Ok(self.written.get_or_init(|| written).clone())
    }

    fn written(&self) -> Result<Written<'_>> {
        let mut written = Written { channel: &self.channel, id: None, prev_id: None, formats: Formats::default() };
        let formats = &mut written.formats;
        match &self.content {
            Content::Event { id, prev, event, named } => {
                (written.id, written.prev_id) = (Some(id.to_string()), Some(prev.to_string()));
                let block = if *named { envelope::named_block(event)? } else { envelope::block(event)? };
                formats.stream = Some(Stream { action: "send", content: Some(text(&block)?) });
                if !named {
                    formats.response = Some(Response::answer(event)?);
                    formats.message = Some(Message::event(event)?);
                }
            }
            Content::Hint { id, prev } => {
                (written.id, written.prev_id) = (Some(id.to_string()), Some(prev.to_string()));
                (formats.stream, formats.response) = hints();
            }
            Content::Again => (formats.stream, formats.response) = hints(),
            Content::One(event) => formats.message = Some(Message::event(event)?),
            Content::Text(message) => formats.message = Some(Message::text(text(message)?)),
            Content::Ping => {
                formats.message =
                    Some(Message { kind: Some("ping"), content: Some(String::new()), ..Message::default() });
            }
            Content::Close(code, reason) => {
                let close = Message { action: Some("close"), code: Some(*code), ..Message::default() };
                formats.message = Some(Message { reason: Some(reason), ..close });
            }
        }
        Ok(written)
    }
}

/// Writes the body of a publication from items that are JSON.
pub(crate) fn publication<'a>(items: impl Iterator<Item = &'a Bytes>) -> Vec<u8> {
    let mut body = b"{\"items\":[".to_vec();
    for (index, item) in items.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(item);
    }
    body.extend_from_slice(b"]}");
    body
}

fn text(bytes: &Bytes) -> Result<String> {
    Ok(std::str::from_utf8(bytes).map_err(feathers_core::Error::internal)?.to_owned())
}

fn hints() -> (Option<Stream>, Option<Response>) {
    (Some(Stream { action: "hint", content: None }), Some(Response { action: "hint", ..Response::default() }))
}

#[derive(Serialize)]
struct Written<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "prev-id", skip_serializing_if = "Option::is_none")]
    prev_id: Option<String>,
    formats: Formats,
}

#[derive(Default, Serialize)]
struct Formats {
    #[serde(rename = "http-stream", skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    #[serde(rename = "http-response", skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    #[serde(rename = "ws-message", skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
struct Stream {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

#[derive(Default, Serialize)]
struct Response {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<Headers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(rename = "content-filters", skip_serializing_if = "Option::is_none")]
    filters: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "Content-Type")]
    kind: &'static str,
    #[serde(rename = "ETag")]
    tag: String,
}

impl Response {
    /// Writes the answer to a poll. Each client finds the secret of its own session in it.
    fn answer(event: &DeliveredEvent) -> Result<Self> {
        let item = envelope::item(event)?;
        let cursor = event.cursor();
        // A percent sign can only be in a string of JSON, where it may be written like this as well.
        let item = text(&item)?.replace('%', "\\u0025");
        let token = format!("%({CONNECTION_TOKEN})s");
        let body =
            format!("{{\"events\":[{item}],\"cursor\":\"{cursor}\",\"more\":false,\"connectionToken\":\"{token}\"}}");
        let headers = Headers { kind: "application/json; charset=utf-8", tag: format!("\"{cursor}\"") };
        Ok(Self {
            action: "send",
            code: Some(200),
            headers: Some(headers),
            body: Some(body),
            filters: Some([VAR_SUBST]),
        })
    }
}

#[derive(Default, Serialize)]
struct Message {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Message {
    /// Writes an event, once for all that get the same data.
    fn event(event: &DeliveredEvent) -> Result<Self> {
        static MESSAGE: WireFormat = WireFormat::new();
        Ok(Self::text(text(&event.frame(&MESSAGE, rpc::event)?)?))
    }

    fn text(content: String) -> Self {
        Self { content: Some(content), ..Self::default() }
    }
}
