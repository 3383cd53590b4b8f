//! WebSocket frames, as far as servers here send them: whole messages without compression (RFC 6455, section 5.2).

/// The opcode of a text message.
pub(crate) const TEXT: u8 = 1;
/// The opcode of a ping.
pub(crate) const PING: u8 = 9;
/// The opcode of the answer to a ping.
pub(crate) const PONG: u8 = 10;

/// The last fragment of a message.
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// In place of a length: two bytes with it follow.
const MEDIUM: u8 = 0x7e;
/// In place of a length: eight bytes with it follow.
const LONG: u8 = 0x7f;

/// Makes a frame as a client sends it; a mask of zeros changes nothing.
pub(crate) fn from_client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(opcode, payload.len(), MASKED);
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn head(opcode: u8, length: usize, masked: u8) -> Vec<u8> {
    let mut frame = Vec::with_capacity(length + 14);
    frame.push(FIN | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => frame.push(masked | short),
        (_, Ok(medium)) => {
            frame.push(masked | MEDIUM);
            frame.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            frame.push(masked | LONG);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame
}

/// Takes a server's frame off the front: its opcode, its payload, and what follows. Nothing while it is incomplete.
pub(crate) fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match second {
        MEDIUM => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        LONG => {
            let (length, rest) = rest.split_first_chunk::<8>()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    Some((first & 0x0f, payload, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_server(payload: &[u8]) -> Vec<u8> {
        [head(TEXT, payload.len(), 0).as_slice(), payload].concat()
    }

    #[test]
    fn what_a_server_sends_is_read_when_it_is_complete() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let mut bytes = from_server(&payload);
            assert!(take(bytes.split_last().unwrap().1).is_none(), "{length}");
            bytes.push(b'y');
            assert_eq!(take(&bytes), Some((TEXT, payload.as_slice(), b"y".as_slice())), "{length}");
        }
    }

    #[test]
    fn a_client_masks() {
        assert_eq!(from_client(PONG, b"ab"), [0x8a, 0x82, 0, 0, 0, 0, b'a', b'b']);
    }
}
