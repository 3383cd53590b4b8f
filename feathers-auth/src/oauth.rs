//! Logins through other sites: OAuth 2 and OpenID Connect, with the feature `oauth`.
//!
//! A page sends the browser to `/oauth/github`, which sends it on to the provider. The provider sends it back to
//! `/oauth/github/callback` with a code, which the app exchanges for a profile. With the profile, `create` on the
//! service `authentication` makes a token of this app. In the end the browser is at the page again, with
//! `#access_token=` in its URL, where the official client finds it; or with `#error=`.
//!
//! A login is bound to the browser that began it: the cookie `feathers.oauth` holds the state, the secret of PKCE and
//! the nonce, encrypted. It is valid for ten minutes, for one callback and for nothing else.

mod config;

#[cfg(feature = "oauth")]
mod answer;
#[cfg(feature = "oauth")]
mod fetch;
#[cfg(feature = "oauth")]
mod flow;
#[cfg(feature = "oauth")]
mod id_token;
#[cfg(feature = "oauth")]
mod plugin;
#[cfg(feature = "oauth")]
mod preset;
#[cfg(feature = "oauth")]
mod profile;
#[cfg(feature = "oauth")]
mod provider;
#[cfg(feature = "oauth")]
mod service;
#[cfg(feature = "oauth")]
mod session;
#[cfg(feature = "oauth")]
mod strategy;
#[cfg(feature = "oauth")]
mod target;

pub use self::config::{OAuthConfig, ProviderConfig};
#[cfg(feature = "oauth")]
pub use self::plugin::OAuth;
#[cfg(feature = "oauth")]
pub use self::profile::Profile;
#[cfg(feature = "oauth")]
pub(crate) use self::strategy::Callback;
