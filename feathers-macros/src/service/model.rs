//! The model of a service: its methods and what they take.

use proc_macro2::{Ident, Span};
use syn::{Attribute, Generics, LitStr, Member, Path, Type};

/// An impl block that becomes a service.
pub(super) struct Service {
    pub(super) ty: Type,
    pub(super) generics: Generics,
    pub(super) docs: String,
    /// Where the framework is.
    pub(super) framework: Path,
    pub(super) events: Vec<LitStr>,
    pub(super) over: Option<Over>,
    pub(super) methods: Vec<Method>,
    pub(super) setup: Option<Lifecycle>,
    pub(super) teardown: Option<Lifecycle>,
}

/// The service that this one is over: it answers what the block does not.
pub(super) struct Over {
    /// The field that holds it.
    pub(super) field: Member,
    /// The type of its records.
    pub(super) record: Option<Type>,
}

/// A method that is served.
pub(super) struct Method {
    pub(super) ident: Ident,
    /// The name that clients call, and where it comes from.
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) standard: Option<Standard>,
    pub(super) docs: String,
    /// The `#[cfg(..)]` of the method.
    pub(super) cfgs: Vec<Attribute>,
    pub(super) arguments: Arguments,
}

/// What a method takes besides `&self`, in its order, and what it returns.
pub(super) struct Arguments {
    pub(super) taken: Vec<Argument>,
    pub(super) output: Type,
}

/// One argument of a method.
pub(super) enum Argument {
    Id(IdArgument),
    Data(Type),
    /// The data or a type of the app's own: the compiler knows which.
    DataOrCall(Type),
    /// What is taken from the call.
    OfCall(Type),
    /// The whole call, id and data included, to be handed on.
    Request,
}

impl Arguments {
    /// Tells whether the method takes the whole call.
    pub(super) fn has_request(&self) -> bool {
        self.taken.iter().any(|argument| matches!(argument, Argument::Request))
    }
}

/// The id of a method.
pub(super) struct IdArgument {
    pub(super) ty: Type,
    /// Whether the type is an `Option`, of which `ty` is the inner type.
    pub(super) optional: bool,
}

/// `setup` or `teardown`.
pub(super) struct Lifecycle {
    pub(super) ident: Ident,
    pub(super) cfgs: Vec<Attribute>,
}

/// The six standard methods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standard {
    Find,
    Get,
    Create,
    Update,
    Patch,
    Remove,
}

impl Standard {
    pub(super) const NAMES: [&str; 6] = ["find", "get", "create", "update", "patch", "remove"];

    pub(super) fn named(name: &str) -> Option<Self> {
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

    /// Returns the variant of the core's `Method`.
    pub(super) fn variant(self) -> &'static str {
        match self {
            Self::Find => "Find",
            Self::Get => "Get",
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Patch => "Patch",
            Self::Remove => "Remove",
        }
    }

    pub(super) fn has_id(self) -> bool {
        matches!(self, Self::Get | Self::Update | Self::Patch | Self::Remove)
    }

    pub(super) fn has_data(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch)
    }

    /// Tells whether the method may be called for all records that match.
    pub(super) fn has_optional_id(self) -> bool {
        matches!(self, Self::Patch | Self::Remove)
    }
}
