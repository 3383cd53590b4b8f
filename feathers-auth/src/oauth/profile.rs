//! Profiles: what a provider says of a user.

use std::fmt;

use feathers_core::{Error, Result};
use serde_json::{Map, Value};

/// What a provider says of a user: the claims of an `id_token`, the answer of the provider's profile page, or both.
#[derive(Clone)]
pub struct Profile {
    provider: String,
    fields: Map<String, Value>,
}

impl Profile {
    pub(super) fn new(provider: &str, fields: Map<String, Value>) -> Self {
        Self { provider: provider.to_owned(), fields }
    }

    /// Returns the name of the provider, such as `github`.
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the id that the provider knows the user by: `sub`, else `id`.
    ///
    /// # Errors
    /// The profile has none.
    pub fn id(&self) -> Result<&Value> {
        let id = ["sub", "id"].into_iter().find_map(|name| self.fields.get(name).filter(|id| is_id(id)));
        id.ok_or_else(|| Error::not_authenticated("The provider has not said who it is"))
    }

    /// Returns a field that is a text, such as `name`.
    ///
    /// An `email` is what the user has entered at the provider. Unless `email_verified` is set, and you trust the
    /// provider, it may be that of another person.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// Returns all fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }
}

/// An object in the place of an id would be an operator of a query.
fn is_id(id: &Value) -> bool {
    match id {
        Value::String(id) => !id.is_empty(),
        Value::Number(id) => id.as_u64().is_some_and(|id| id > 0),
        _ => false,
    }
}

/// Adds the profile page to the claims of an `id_token`. It must be the page of the same person.
pub(super) fn merge(claims: Map<String, Value>, mut page: Map<String, Value>) -> Result<Map<String, Value>> {
    if claims.contains_key("sub") && claims.get("sub") != page.get("sub") {
        return Err(Error::not_authenticated("The profile belongs to another user"));
    }
    page.extend(claims);
    Ok(page)
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.fields.keys().collect();
        f.debug_struct("Profile").field("provider", &self.provider).field("fields", &names).finish()
    }
}
