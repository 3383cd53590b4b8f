//! The server.

use feathers_core::{App, Result};

/// Serves an app.
#[derive(Debug)]
pub struct Server {}

/// `app.listen()`.
pub trait Listen {
    /// Serves.
    fn listen(self) -> impl Future<Output = Result<()>>;
}

impl Listen for App {
    async fn listen(self) -> Result<()> {
        Ok(())
    }
}
