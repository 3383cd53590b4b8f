//! Clients of Socket.IO: one that sees each frame, and one that does what stock clients do when they come back.

mod socket;
mod stock;
mod wire;

pub use self::socket::Socket;
pub use self::stock::{How, Stock};
pub use self::wire::{Poll, Wire};
