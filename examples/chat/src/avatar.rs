//! Avatars, as Gravatar names them.

use md5::{Digest, Md5};

/// Returns the address of a user's picture. It is only a text: nothing here asks for it.
pub(crate) fn url(email: &str) -> String {
    let hash = u128::from_be_bytes(Md5::digest(email.to_lowercase()).into());
    format!("https://s.gravatar.com/avatar/{hash:032x}?s=60")
}
