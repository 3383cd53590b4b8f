//! The peer server: `cargo run --release -p feathers-tests --bin peer`, on `HOST` and `PORT`.

use feathers::prelude::*;
use feathers_tests::peer;

#[tokio::main]
async fn main() -> Result<()> {
    peer::server().listen().await
}
