//! TLS on a connection, with rustls.

use std::io;
use std::path::Path;
use std::time::Duration;

use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use feathers_core::{Error, Result};
use tokio::io::{AsyncRead, AsyncWrite};

/// A certificate and how handshakes are done.
#[derive(Clone)]
pub(super) struct Tls(RustlsAcceptor);

/// An encrypted connection.
pub(super) type Encrypted<S> = <RustlsAcceptor as Accept<S, ()>>::Stream;

impl Tls {
    /// Loads the certificate chain and the key from PEM files; `timeout` is for one handshake.
    pub(super) async fn load(certificate: &Path, key: &Path, timeout: Duration) -> Result<Self> {
        // Fails if the program has chosen a provider already, which is fine.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = RustlsConfig::from_pem_file(certificate, key).await.map_err(|error| {
            let (certificate, key) = (certificate.display(), key.display());
            Error::general(format!("cannot use the certificate {certificate} with the key {key}: {error}"))
                .with_source(error)
        })?;
        Ok(Self(RustlsAcceptor::new(config).handshake_timeout(timeout)))
    }

    /// Does the handshake.
    pub(super) async fn handshake<S>(&self, stream: S) -> io::Result<Encrypted<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.0.accept(stream, ()).await.map(|(stream, _service)| stream)
    }

    /// Tells whether client and server have agreed on HTTP/2.
    pub(super) fn is_http2<S>(stream: &Encrypted<S>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        stream.get_ref().1.alpn_protocol() == Some(b"h2")
    }
}
