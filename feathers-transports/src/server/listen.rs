//! `app.listen()`: the short form of a server with the default options.

use std::future::Future;

use feathers_core::{App, Result};
use tokio::net::TcpListener;

use crate::server::Server;

/// Serves an app with the default options of a [`Server`].
pub trait Listen: Sized {
    /// Serves on `HOST` and `PORT`, by default 127.0.0.1:3030, until the process gets a signal to stop.
    ///
    /// An address that cannot be had, or a service that cannot be set up, is an error.
    fn listen(self) -> impl Future<Output = Result<()>> + Send;

    /// Serves on a listener that is bound already.
    fn serve(self, listener: TcpListener) -> impl Future<Output = Result<()>> + Send;
}

impl Listen for App {
    async fn listen(self) -> Result<()> {
        Server::new(self).listen().await
    }

    async fn serve(self, listener: TcpListener) -> Result<()> {
        Server::new(self).listener(listener).listen().await
    }
}
