//! A server that runs in the background.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use feathers_core::{AppHandle, Result};

use crate::server::stopper::Stopper;

/// A server that runs in the background until it is stopped. Dropping this does not stop it.
#[derive(Debug)]
pub struct Running {
    app: AppHandle,
    address: SocketAddr,
    secure: bool,
    transports: Vec<&'static str>,
    stopper: Stopper,
    patience: Duration,
}

impl Running {
    pub(super) fn new(
        app: AppHandle,
        address: SocketAddr,
        secure: bool,
        transports: Vec<&'static str>,
        stopper: Stopper,
        patience: Duration,
    ) -> Self {
        Self { app, address, secure, transports, stopper, patience }
    }

    /// Returns the address, with the port that was really taken.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address as a URL without a slash at the end, such as `http://127.0.0.1:3030`.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns the app.
    pub fn handle(&self) -> &AppHandle {
        &self.app
    }

    /// Returns the names of the transports.
    pub fn transports(&self) -> &[&'static str] {
        &self.transports
    }

    /// Stops the server and the app: accepts no more connections, asks the long-lived ones to end, and waits for calls
    /// under way, up to the shutdown timeout. Then it closes all connections and tears the services down.
    ///
    /// # Errors
    /// The first error of a service's teardown, after all others have been torn down.
    pub async fn stop(self) -> Result<()> {
        self.stopper.drain();
        let mut shutdown = pin!(self.app.shutdown(self.patience));
        let result = tokio::select! {
            result = &mut shutdown => Some(result),
            () = tokio::time::sleep(self.patience) => None,
        };
        // Also when both have lost patience at the same moment.
        self.stopper.close();
        match result {
            Some(result) => result,
            None => shutdown.await,
        }
    }
}
