//! Who is at the other end: sessions of connections, logins and their credentials.
//!
//! A transport opens a [`Session`] with a [`Handshake`]. The app's [`Authenticator`] decides what the [`Credentials`] in
//! it are worth, and ends connections whose credentials are no longer valid.

pub use crate::{
    API_KEY, Authenticator, CONNECTION_TOKEN, Credentials, DisconnectReason, Handshake, HandshakeCredentials, Headers,
    Login, Resumption, SecretHeaders, Session, UnderWay,
};
