//! Logging for programs that have not set it up themselves.

use std::env;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Writes the log to standard error, filtered by `RUST_LOG`, by default from level `info` up. It has colours only where
/// standard error is a terminal, and `NO_COLOR` is not set.
///
/// Returns `false` and changes nothing if the program has set up logging already. [`Server::listen`] calls this.
///
/// [`Server::listen`]: crate::Server::listen
pub fn init_tracing() -> bool {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr).try_init().is_ok()
}
