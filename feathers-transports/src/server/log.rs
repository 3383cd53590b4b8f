//! Logging for programs that have not set it up themselves.

use tracing_subscriber::EnvFilter;

/// Writes the log to standard error, filtered by `RUST_LOG`, by default from level `info` up.
///
/// Returns `false` and changes nothing if the program has set up logging already. [`Server::listen`] calls this.
///
/// [`Server::listen`]: crate::Server::listen
pub fn logging() -> bool {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init().is_ok()
}
