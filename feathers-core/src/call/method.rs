//! Methods: the six standard ones and custom ones, and the event that each emits.

use std::fmt;
use std::sync::Arc;

/// The names that no custom method may have, since they mean something on a Feathers service. `#[service]` and the start refuse them.
pub(crate) const PROTECTED: [&str; 31] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "addListener",
    "after",
    "all",
    "around",
    "before",
    "constructor",
    "emit",
    "error",
    "eventNames",
    "hasOwnProperty",
    "hooks",
    "isPrototypeOf",
    "listenerCount",
    "listeners",
    "off",
    "on",
    "once",
    "prependListener",
    "propertyIsEnumerable",
    "publish",
    "removeAllListeners",
    "removeListener",
    "setup",
    "teardown",
    "toString",
    "valueOf",
];

/// A service method.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Lists records.
    Find,
    /// Reads one record.
    Get,
    /// Makes one record, or several.
    Create,
    /// Replaces one record.
    Update,
    /// Changes some fields of one record, or of all that match.
    Patch,
    /// Deletes one record, or all that match.
    Remove,
    /// Anything else, called by its name.
    Custom(Arc<str>),
}

impl Method {
    /// The six standard methods.
    pub const STANDARD: [Self; 6] = [Self::Find, Self::Get, Self::Create, Self::Update, Self::Patch, Self::Remove];

    /// The events that standard methods emit.
    pub const STANDARD_EVENTS: [&str; 4] = ["created", "updated", "patched", "removed"];

    /// Returns the method with this name; every name that is not standard is a custom one.
    pub fn named(name: &str) -> Self {
        Self::standard(name).unwrap_or_else(|| Self::Custom(name.into()))
    }

    /// Returns the standard method with this name.
    pub fn standard(name: &str) -> Option<Self> {
        Some(match name {
            "find" => Self::Find,
            "get" => Self::Get,
            "create" => Self::Create,
            "update" => Self::Update,
            "patch" => Self::Patch,
            "remove" => Self::Remove,
            _ => return None,
        })
    }

    /// Returns the name as clients write it.
    pub fn name(&self) -> &str {
        match self {
            Self::Find => "find",
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Remove => "remove",
            Self::Custom(name) => name,
        }
    }

    /// Returns the event that a successful call emits by default.
    pub fn event(&self) -> Option<&'static str> {
        match self {
            Self::Create => Some("created"),
            Self::Update => Some("updated"),
            Self::Patch => Some("patched"),
            Self::Remove => Some("removed"),
            Self::Find | Self::Get | Self::Custom(_) => None,
        }
    }

    /// Tells whether calls carry an id.
    pub fn has_id(&self) -> bool {
        matches!(self, Self::Get | Self::Update | Self::Patch | Self::Remove)
    }

    /// Tells whether calls carry data.
    pub fn has_data(&self) -> bool {
        !matches!(self, Self::Find | Self::Get | Self::Remove)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}
