//! What the headers of a request say about how it is answered, read in one pass: a look-up for each would cost more.

use http::{HeaderMap, HeaderName, header};

use super::{CONNECTION_ID, SERVICE_METHOD};

/// What a caller says who it is with.
const CREDENTIALS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, CONNECTION_ID, HeaderName::from_static("x-api-key")];

/// What there is among the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a header of its own")]
pub(super) struct Asked {
    /// Credentials, so that the answer is for nobody else.
    pub(super) personal: bool,
    /// An origin, which browsers send.
    pub(super) from_page: bool,
    /// The secret of a session.
    pub(super) on_connection: bool,
    /// The name of a custom method.
    pub(super) names_method: bool,
}

impl Asked {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut asked = Self::default();
        for name in headers.keys() {
            if *name == header::ORIGIN {
                asked.from_page = true;
            } else if *name == SERVICE_METHOD {
                asked.names_method = true;
            } else if *name == CONNECTION_ID {
                asked.on_connection = true;
            }
            asked.personal |= CREDENTIALS.contains(name);
        }
        asked
    }
}
