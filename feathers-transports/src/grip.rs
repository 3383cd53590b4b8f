//! GRIP: the app behind a proxy that holds the connections (Pushpin, Fastly Fanout).
//!
//! A proxy asks the app as a client does, and signs that. The realtime URL then answers with instructions instead of
//! holding the client itself: the events so far, the channel that the proxy is to hold it on, and where to ask again.
//! From then on events are published to the proxy, and the client gets the same bytes as from the app itself.
//!
//! Whatever the proxy loses, it finds by the ids of the items, and asks again from where its client stands.

mod config;
mod endpoint;
pub(crate) mod events;
pub(crate) mod hold;
mod holds;
mod incoming;
pub(crate) mod item;
mod item_id;
mod key;
mod name;
mod origin;
mod publisher;
mod queue;
mod router;
mod signature;
mod sockets;
mod token;

pub use self::config::{Grip, GripProxy};
pub(crate) use self::incoming::{Proxied, finish};
pub(crate) use self::origin::Origin;
pub(crate) use self::router::{HoldPosition, LEASE};
pub(crate) use self::sockets::Control;
pub(crate) use self::token::{Link, STATE_LIFETIME, State};
