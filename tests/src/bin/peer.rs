//! The peer server: `cargo run --release -p feathers-tests --bin peer`, on `HOST` and `PORT`.
//!
//! `RETENTION_COUNT`, `PING_MS`, `BODY_LIMIT`, `WRITE_TIMEOUT_MS`, `STREAM_LIFETIME_MS` and `MAX_STREAMS` make its
//! limits small enough to be reached.

use feathers::prelude::*;
use feathers_tests::peer;

#[tokio::main]
async fn main() -> Result<()> {
    peer::server_from_env()?.listen().await
}
