//! What others see of a user.

use feathers::prelude::*;

use crate::users::User;

/// The part of a user that others see.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Profile {
    pub(crate) id: i64,
    email: String,
    avatar: String,
}

impl From<&User> for Profile {
    fn from(user: &User) -> Self {
        Self { id: user.id, email: user.email.clone(), avatar: user.avatar.clone() }
    }
}
