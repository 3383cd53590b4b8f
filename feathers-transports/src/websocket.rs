//! The `WebSocket` protocol: frames, the upgrade, and a socket that shares what it sends.

pub(crate) mod frame;
mod handshake;
mod socket;

pub(crate) use self::frame::Message;
pub(crate) use self::handshake::{Unfit, Upgrade};
pub(crate) use self::socket::{Ended, WebSocket};
