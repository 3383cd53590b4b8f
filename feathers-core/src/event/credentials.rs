//! Credentials: what a client has sent to authenticate itself, not verified yet.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// What a client has presented: an object with a `strategy` and what that needs, such as an `accessToken`.
///
/// Nothing is known about it but that it was sent. Clones share the object, and `Debug` shows none of its values.
#[derive(Clone, PartialEq)]
pub struct Credentials(Arc<Map<String, Value>>);

impl Credentials {
    /// Takes an object as credentials.
    pub fn new(fields: Map<String, Value>) -> Self {
        Self(Arc::new(fields))
    }

    /// Takes one text under a name, for a strategy: `Credentials::of("jwt", "accessToken", token)`.
    pub fn of(strategy: &str, name: &str, text: impl Into<String>) -> Self {
        Self::new(Map::from_iter([("strategy".to_owned(), strategy.into()), (name.to_owned(), text.into().into())]))
    }

    /// Returns the name of the strategy, if it is a text.
    pub fn strategy(&self) -> Option<&str> {
        self.text("strategy")
    }

    /// Returns a field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns a field that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_str)
    }

    /// Returns all fields.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}
