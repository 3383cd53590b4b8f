//! Close codes: what a WebSocket is closed with, by the server or by a client.
//!
//! The codes up to 1999 are those of [RFC 6455, section 7.4](https://www.rfc-editor.org/rfc/rfc6455#section-7.4) and of
//! its registry. Those from 4000 on are this framework's own, and clients act on them.

/// 1000: the purpose of the connection is fulfilled.
pub const NORMAL: u16 = 1000;
/// 1001: the server shuts down, or the page is left.
pub const AWAY: u16 = 1001;
/// 1002: the other side breaks the protocol.
pub const PROTOCOL: u16 = 1002;
/// 1003: a kind of message that is not taken, such as binary data.
pub const UNSUPPORTED: u16 = 1003;
/// 1007: a text is not valid UTF-8.
pub const INVALID: u16 = 1007;
/// 1008: the client makes too many calls.
pub const POLICY: u16 = 1008;
/// 1009: a message is larger than what is read.
pub const SIZE: u16 = 1009;
/// 1012: the server restarts, and the client may reconnect at once.
pub const RESTART: u16 = 1012;
/// 1013: the server is overloaded, and the client may reconnect later.
pub const AGAIN: u16 = 1013;
/// 4201: the client is to reconnect at once; it misses nothing.
pub const RECONNECT: u16 = 4201;
/// 4401: the credentials are not valid, or no longer; the client has to log in.
pub const UNAUTHENTICATED: u16 = 4401;
/// 4403: the server does not want the client.
pub const FORBIDDEN: u16 = 4403;
/// 4408: no `$hello` has come in time.
pub const HELLO_TIMEOUT: u16 = 4408;

/// Tells whether a close frame may carry this code: those that only name what was seen, such as 1006, may not.
pub(crate) const fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
