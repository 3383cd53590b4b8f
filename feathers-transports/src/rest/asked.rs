//! What the headers of a request say about how it is answered, read in one pass: a look-up for each would cost more.

use feathers_core::{CONNECTION_TOKEN, SecretHeaders};
use http::{HeaderMap, header};

use super::SERVICE_METHOD;

/// What there is among the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a header of its own")]
pub(super) struct RequestFlags {
    /// Credentials, so that the answer is for this caller only.
    pub(super) personal: bool,
    /// An origin, which browsers send.
    pub(super) from_page: bool,
    /// The secret of a session.
    pub(super) on_connection: bool,
    /// The name of a custom method.
    pub(super) names_method: bool,
    /// The version of the record that the client knows.
    pub(super) expects_version: bool,
    /// How the body is compressed.
    pub(super) has_coding: bool,
    /// That the body comes only when it is asked for.
    pub(super) waits: bool,
}

impl RequestFlags {
    pub(super) fn read(headers: &HeaderMap, secrets: &SecretHeaders) -> Self {
        let mut asked = Self::default();
        for name in headers.keys() {
            match *name {
                header::ORIGIN => asked.from_page = true,
                header::CONTENT_ENCODING => asked.has_coding = true,
                header::EXPECT => asked.waits = true,
                header::IF_MATCH => asked.expects_version = true,
                _ if *name == SERVICE_METHOD => asked.names_method = true,
                _ if *name == CONNECTION_TOKEN => asked.on_connection = true,
                _ => {}
            }
            asked.personal |= secrets.contains(name);
        }
        asked
    }
}
