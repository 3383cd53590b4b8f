//! What every transport needs, also one of your own: addresses and their session limits, origins, limits, errors as answers.
//!
//! | what | for |
//! |---|---|
//! | [`Transport`] | the trait that a transport implements |
//! | [`client_address`], [`ClientAddress`] | the address of the client, as trusted proxies say it |
//! | [`ClientKey`], [`SessionLimit`], [`SessionPermit`] | how many sessions one address may have |
//! | [`Origins`] | which pages may connect |
//! | [`RateLimit`] | how often a client may call |
//! | [`read_body`] | the body of a request, within its limit and the server's budget |
//! | [`newest_since`] | from where a client wants events, of all the words in which it says so |
//! | [`Timer`] | a timer that costs little each time that the task is woken |
//! | [`error_response`] | an error as the answer of HTTP that FeathersJS gives |
//! | [`close_code`] | what a WebSocket is closed with |
//!
//! Query strings are read by [`feathers_core::query::qs`].

pub(crate) mod address;
pub(crate) mod answer;
pub(crate) mod budget;
pub(crate) mod calls;
pub(crate) mod client_key;
pub mod close_code;
pub(crate) mod closed;
#[cfg(feature = "socketio")]
pub(crate) mod decode;
#[cfg(feature = "socketio")]
pub(crate) mod handshake;
pub(crate) mod incoming;
pub(crate) mod origin;
pub(crate) mod rate_limit;
pub(crate) mod session_limit;
pub(crate) mod since;
pub(crate) mod timer;
pub(crate) mod transport;

pub use self::address::{ClientAddress, client_address};
pub use self::answer::error_response;
pub use self::client_key::ClientKey;
pub use self::incoming::read_body;
pub use self::origin::Origins;
pub use self::rate_limit::RateLimit;
pub use self::session_limit::{SessionLimit, SessionPermit};
pub use self::since::newest_since;
pub use self::timer::Timer;
pub use self::transport::Transport;
