//! WebSocket frames (RFC 6455): encoding for a server, decoding from a client.
//!
//! A server's frames are not masked, so a frame is made once and shared by all connections that get it.
//! Decoding is a plain state machine over bytes: no I/O, bounded by the largest message that is allowed.

use crate::kit::close_code;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// What a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Text; the bytes are valid UTF-8.
    Text(Bytes),
    /// Binary data.
    Binary(Bytes),
    /// A ping, to be answered with the same bytes.
    Ping(Bytes),
    /// The answer to a ping.
    Pong,
    /// The end, with a code if the client gave one.
    Close(Option<u16>),
}

/// Why a connection must be closed: the code for the close frame and a reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

const fn violation(code: u16, reason: &'static str) -> Violation {
    Violation { code, reason }
}

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// Makes a text frame.
pub(crate) fn text(payload: &[u8]) -> Bytes {
    encode(TEXT, payload)
}

/// Makes a pong.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    encode(PONG, payload)
}

/// Makes a ping.
pub(crate) fn ping() -> Bytes {
    Bytes::from_static(&[0x80 | PING, 0])
}

/// Makes a close frame; a reason is cut at 123 bytes, as control frames are small.
pub(crate) fn close(code: u16, reason: &str) -> Bytes {
    let end = (0..=reason.len().min(123)).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
    let mut payload = Vec::with_capacity(2 + end);
    payload.put_u16(code);
    payload.put_slice(reason.get(..end).unwrap_or_default().as_bytes());
    encode(CLOSE, &payload)
}

fn encode(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    frame.put_u8(0x80 | opcode);
    match payload.len() {
        len @ 0..=125 => frame.put_u8(u8::try_from(len).unwrap_or_default()),
        len @ 126..=0xFFFF => {
            frame.put_u8(126);
            frame.put_u16(u16::try_from(len).unwrap_or_default());
        }
        len => {
            frame.put_u8(127);
            frame.put_u64(len as u64);
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

/// Decodes what a client sends.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The largest message, over all its fragments.
    max: usize,
    /// The opcode and the data of a message whose last fragment has not come.
    partial: Option<(u8, BytesMut)>,
}

struct Header {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    /// The length of the header itself.
    size: usize,
    /// The length of the payload.
    len: usize,
}

impl Decoder {
    pub(crate) fn new(max: usize) -> Self {
        Self { max, partial: None }
    }

    /// Tells whether the last fragment of a message is still to come.
    pub(crate) fn is_within(&self) -> bool {
        self.partial.is_some()
    }

    /// Returns how many bytes are held of a message whose last fragment has not come.
    pub(crate) fn held(&self) -> usize {
        self.partial.as_ref().map_or(0, |(_, data)| data.len())
    }

    /// Takes one message out of the buffer; `None` if it is not whole yet.
    pub(crate) fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, Violation> {
        loop {
            let Some(header) = self.header(buffer)? else { return Ok(None) };
            if buffer.len() < header.size + header.len {
                return Ok(None);
            }
            buffer.advance(header.size);
            let mut payload = buffer.split_to(header.len);
            unmask(&mut payload, header.mask);
            if let Some(message) = self.accept(&header, payload)? {
                return Ok(Some(message));
            }
        }
    }

    fn header(&self, buffer: &[u8]) -> Result<Option<Header>, Violation> {
        let &[first, second, ref rest @ ..] = buffer else { return Ok(None) };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
        if first & 0x70 != 0 {
            return Err(violation(close_code::PROTOCOL, "reserved bits are set"));
        }
        if second & 0x80 == 0 {
            return Err(violation(close_code::PROTOCOL, "the frame is not masked"));
        }
        let control = opcode >= CLOSE;
        match opcode {
            CONTINUATION if self.partial.is_none() => {
                return Err(violation(close_code::PROTOCOL, "nothing to continue"));
            }
            TEXT | BINARY if self.partial.is_some() => {
                return Err(violation(close_code::PROTOCOL, "expected a continuation"));
            }
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG => {}
            _ => return Err(violation(close_code::PROTOCOL, "unknown opcode")),
        }
        let (len, extra) = match (second & 0x7F, rest) {
            (126, &[a, b, ..]) => (u64::from(u16::from_be_bytes([a, b])), 2),
            (127, rest) => match rest.first_chunk() {
                Some(len) => (u64::from_be_bytes(*len), 8),
                None => return Ok(None),
            },
            (126, _) => return Ok(None),
            (len, _) => (u64::from(len), 0),
        };
        if control && (len > 125 || !fin) {
            return Err(violation(close_code::PROTOCOL, "a control frame is fragmented or too long"));
        }
        let held = self.partial.as_ref().map_or(0, |(_, data)| data.len());
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if !control && len.saturating_add(held) > self.max {
            return Err(violation(close_code::SIZE, "the message is too big"));
        }
        let Some(&[a, b, c, d]) = rest.get(extra..extra + 4) else { return Ok(None) };
        Ok(Some(Header { fin, opcode, mask: [a, b, c, d], size: 6 + extra, len }))
    }

    fn accept(&mut self, header: &Header, payload: BytesMut) -> Result<Option<Message>, Violation> {
        match header.opcode {
            PING => Ok(Some(Message::Ping(payload.freeze()))),
            PONG => Ok(Some(Message::Pong)),
            CLOSE => close_code(&payload).map(|code| Some(Message::Close(code))),
            opcode => {
                let (opcode, data) = match self.partial.take() {
                    Some((opcode, mut data)) => {
                        data.unsplit(payload);
                        (opcode, data)
                    }
                    None => (opcode, payload),
                };
                if !header.fin {
                    self.partial = Some((opcode, data));
                    return Ok(None);
                }
                finish(opcode, data.freeze()).map(Some)
            }
        }
    }
}

fn finish(opcode: u8, data: Bytes) -> Result<Message, Violation> {
    if opcode == BINARY {
        return Ok(Message::Binary(data));
    }
    match std::str::from_utf8(&data) {
        Ok(_) => Ok(Message::Text(data)),
        Err(_) => Err(violation(close_code::INVALID, "the text is not valid UTF-8")),
    }
}

fn close_code(payload: &[u8]) -> Result<Option<u16>, Violation> {
    match payload {
        [] => Ok(None),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            let known = close_code::is_sendable(code);
            match (known, std::str::from_utf8(reason)) {
                (true, Ok(_)) => Ok(Some(code)),
                (true, Err(_)) => Err(violation(close_code::INVALID, "the close reason is not valid UTF-8")),
                (false, _) => Err(violation(close_code::PROTOCOL, "not a valid close code")),
            }
        }
        [_] => Err(violation(close_code::PROTOCOL, "half a close code")),
    }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let mut chunks = payload.chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, key) in chunk.iter_mut().zip(mask) {
            *byte ^= key;
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(mask) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Frames as a client sends them.
    fn client(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let mut frame = encode(first & 0x0F, payload).to_vec();
        frame[0] = first;
        frame[1] |= 0x80;
        let header = frame.len() - payload.len();
        let masked: Vec<u8> = payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
        frame.truncate(header);
        frame.extend(mask);
        frame.extend(masked);
        frame
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Message>, Violation> {
        let mut whole = BytesMut::from(bytes);
        let messages = decode_all(&mut Decoder::new(1 << 20), &mut whole);
        // One byte at a time gives the same.
        let mut decoder = Decoder::new(1 << 20);
        let mut buffer = BytesMut::new();
        let mut slowly = Ok(Vec::new());
        for byte in bytes {
            buffer.put_u8(*byte);
            match (decode_all(&mut decoder, &mut buffer), &mut slowly) {
                (Ok(more), Ok(all)) => all.extend(more),
                (Err(error), _) => {
                    slowly = Err(error);
                    break;
                }
                _ => unreachable!("decoding stops at the first error"),
            }
        }
        assert_eq!(messages, slowly);
        messages
    }

    fn decode_all(decoder: &mut Decoder, buffer: &mut BytesMut) -> Result<Vec<Message>, Violation> {
        let mut messages = Vec::new();
        while let Some(message) = decoder.decode(buffer)? {
            messages.push(message);
        }
        Ok(messages)
    }

    #[test]
    fn messages_of_every_length_class() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 100_000] {
            let payload = vec![b'x'; len];
            let mut buffer = BytesMut::from(&client(0x81, &payload)[..]);
            let mut decoder = Decoder::new(1 << 20);
            assert_eq!(decoder.decode(&mut buffer), Ok(Some(Message::Text(payload.into()))));
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn fragments_with_a_ping_between_them() {
        let bytes = [client(0x01, b"a"), client(0x89, b"p"), client(0x00, "ß".as_bytes()), client(0x80, b"c")].concat();
        let expected = [Message::Ping(Bytes::from_static(b"p")), Message::Text(Bytes::from("aßc"))];
        assert_eq!(decode(&bytes).unwrap_or_default(), expected);
    }

    #[test]
    fn violations() {
        let cases: [(Vec<u8>, u16); 12] = [
            (client(0xC1, b""), 1002),
            (encode(TEXT, b"not masked").to_vec(), 1002),
            (client(0x83, b""), 1002),
            (client(0x8B, b""), 1002),
            (client(0x80, b"x"), 1002),
            ([client(0x01, b"a"), client(0x81, b"b")].concat(), 1002),
            (client(0x09, b""), 1002),
            (client(0x89, &[0; 126]), 1002),
            (client(0x81, &[0xFF]), 1007),
            (client(0x88, &[3]), 1002),
            (client(0x88, &1005_u16.to_be_bytes()), 1002),
            (client(0x88, &[0x03, 0xE8, 0xFF]), 1007),
        ];
        for (bytes, code) in cases {
            assert_eq!(decode(&bytes).map_err(|violation| violation.code), Err(code), "{bytes:x?}");
        }
    }

    #[test]
    fn a_big_message_is_refused_before_it_has_come() {
        let mut header = vec![0x81, 0xFF];
        header.extend(u64::MAX.to_be_bytes());
        assert_eq!(decode(&header).map_err(|violation| violation.code), Err(1009));
        let mut decoder = Decoder::new(10);
        let mut buffer = BytesMut::from(&[client(0x01, b"123456"), client(0x80, b"78901")].concat()[..]);
        assert_eq!(decoder.decode(&mut buffer).map_err(|violation| violation.code), Err(1009));
    }

    #[test]
    fn close_frames() {
        assert_eq!(decode(&client(0x88, b"")), Ok(vec![Message::Close(None)]));
        assert_eq!(decode(&client(0x88, &[0x03, 0xE8])), Ok(vec![Message::Close(Some(1000))]));
        let long = "ä".repeat(100);
        let frame = close(1001, &long);
        assert_eq!((frame[1], frame.len()), (124, 126), "cut at a character");
    }

    /// Feeds bytes in pieces of these sizes, over and over.
    fn decode_in_pieces(max: usize, bytes: &[u8], sizes: &[usize]) -> (Vec<Message>, Option<Violation>) {
        let mut decoder = Decoder::new(max);
        let (mut buffer, mut messages, mut rest) = (BytesMut::new(), Vec::new(), bytes);
        for size in sizes.iter().cycle() {
            let (piece, tail) = rest.split_at((*size).min(rest.len()));
            buffer.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut buffer) {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(violation) => return (messages, Some(violation)),
                }
            }
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        (messages, None)
    }

    fn sizes() -> impl Strategy<Value = Vec<usize>> {
        proptest::collection::vec(1_usize..200, 1..8)
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic_and_do_not_depend_on_their_pieces(
            bytes in proptest::collection::vec(any::<u8>(), 0..400), sizes in sizes()
        ) {
            let whole = decode_in_pieces(100, &bytes, &[bytes.len().max(1)]);
            prop_assert_eq!(decode_in_pieces(100, &bytes, &sizes), whole);
        }

        #[test]
        fn frames_with_any_header_never_panic_and_do_not_depend_on_their_pieces(
            frames in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..150)), 0..8),
            sizes in sizes(),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(first, payload)| client(*first, payload)).collect();
            let whole = decode_in_pieces(300, &bytes, &[bytes.len().max(1)]);
            prop_assert_eq!(decode_in_pieces(300, &bytes, &sizes), whole);
        }

        #[test]
        fn a_message_is_read_as_it_was_sent_however_it_is_cut(
            text in any::<String>(), binary in proptest::collection::vec(any::<u8>(), 0..2_000),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5), sizes in sizes(),
        ) {
            for (opcode, payload) in [(TEXT, text.as_bytes()), (BINARY, &binary[..])] {
                let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(payload.len() + 1)).collect();
                ends.push(payload.len());
                ends.sort_unstable();
                let (mut bytes, mut start) = (Vec::new(), 0);
                for (index, end) in ends.iter().enumerate() {
                    let fin = if index + 1 == ends.len() { 0x80 } else { 0 };
                    bytes.extend(client(fin | if index == 0 { opcode } else { CONTINUATION }, &payload[start..*end]));
                    start = *end;
                }
                let payload = Bytes::copy_from_slice(payload);
                let message = if opcode == TEXT { Message::Text(payload) } else { Message::Binary(payload) };
                prop_assert_eq!(decode_in_pieces(1 << 20, &bytes, &sizes), (vec![message], None));
            }
        }

        #[test]
        fn no_message_is_larger_than_allowed(
            max in 0_usize..300, parts in proptest::collection::vec(0_usize..200, 1..6)
        ) {
            let total: usize = parts.iter().sum();
            let last = parts.len() - 1;
            let bytes: Vec<u8> = parts
                .iter()
                .enumerate()
                .flat_map(|(index, len)| {
                    let fin = if index == last { 0x80 } else { 0 };
                    client(fin | if index == 0 { BINARY } else { CONTINUATION }, &vec![0; *len])
                })
                .collect();
            let (messages, violation) = decode_in_pieces(max, &bytes, &[64]);
            prop_assert_eq!(messages.len(), usize::from(total <= max));
            prop_assert_eq!(violation.map(|violation| violation.code), (total > max).then_some(1009));
        }
    }
}
