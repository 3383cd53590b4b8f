//! Where a call or a connection comes from: the name of its transport.

use std::fmt;

/// The transport that a call came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Provider(&'static str);

impl Provider {
    /// Plain HTTP.
    pub const REST: Self = Self("rest");
    /// Socket.IO.
    pub const SOCKETIO: Self = Self("socketio");
    /// A WebSocket of the realtime endpoint.
    pub const WEBSOCKET: Self = Self("websocket");
    /// Server-sent events of the realtime endpoint.
    pub const SSE: Self = Self("sse");
    /// Polling of the realtime endpoint.
    pub const POLL: Self = Self("poll");

    /// Names a provider, for transports of your own.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// Returns the name, such as `rest`.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
