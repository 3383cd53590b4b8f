//! Layered configuration: files, one for each environment, and variables over them.
//!
//! | layer, the weakest first | what it is for |
//! |---|---|
//! | `config/default.toml` | what holds everywhere |
//! | `config/{environment}.toml` | what is different there; the environment is `FEATHERS_ENV`, or `development` |
//! | `config/local.toml` | what is for one machine, and not committed |
//! | `FEATHERS__SECTION__KEY` | variables: secrets, and what the place of operation decides |
//!
//! Every layer may be missing. Tables are merged key by key, and anything else is replaced.
//!
//! ```
//! # mod feathers { pub use feathers_core::facade::*; pub mod config { pub use feathers_config::*; } }
//! use std::time::Duration;
//!
//! use feathers::config::{Config, duration};
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Authentication {
//!     secret: String,
//!     #[serde(deserialize_with = "duration::deserialize")]
//!     expires_in: Duration,
//! }
//!
//! # fn main() -> feathers::Result<()> {
//! // An app calls `Config::load()`, which reads its files and the variables of its process.
//! let variables =
//!     [("FEATHERS__AUTHENTICATION__SECRET", "a secret"), ("FEATHERS__AUTHENTICATION__EXPIRES_IN", "1d")];
//! let config = Config::builder().variables(variables).load()?;
//!
//! let settings: Authentication = config.get("authentication")?;
//! assert_eq!(settings.secret, "a secret");
//! assert_eq!(settings.expires_in, Duration::from_secs(86_400));
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//! What does not fit is reported with its key, the file or variable it came from, what was expected and what was found:
//!
//! ```text
//! authentication.expires_in (from config/production.toml): expected a duration such as "15m" or "7 days", or a number
//! of seconds, found the text "soon"
//! ```
//!
//! The value is left out where the key has `secret`, `pass`, `key`, `token` or `credential` in it, and where it is a
//! URL with a password.

mod builder;
mod config;
pub use feathers_core::duration;
mod file;
mod node;
mod origin;
mod problem;
mod secret;
mod variable;

pub use builder::Builder;
pub use config::Config;
