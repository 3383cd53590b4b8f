//! The model of a record: what the user's struct means.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::{LitStr, Path, Type, Visibility};

use crate::record::attributes::FieldAttrs;
use crate::record::constraints::Together;
use crate::types::option_of;

/// A struct that becomes a record.
pub(super) struct Record {
    pub(super) ident: Ident,
    /// The name under which serde writes the struct.
    pub(super) written: String,
    pub(super) vis: Visibility,
    pub(super) docs: String,
    /// Where the framework is.
    pub(super) framework: Path,
    pub(super) fields: Vec<Field>,
    /// What several fields are together: unique, or an index.
    pub(super) constraints: Vec<Together>,
    /// The fields for related records, which are no columns.
    pub(super) relations: Vec<Field>,
}

/// One field.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) docs: String,
    pub(super) attrs: FieldAttrs,
    /// The name on the wire, and where the user has written it.
    pub(super) wire: String,
    pub(super) wire_span: Span,
    /// Serde's `alias`.
    pub(super) aliases: Vec<LitStr>,
    /// Serde's `with` and its relatives, as they were written.
    pub(super) codec: Option<TokenStream>,
    /// Whether serde may leave it out, in both directions.
    pub(super) left_out: bool,
}

/// How a field takes part in data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// It is the id.
    Id,
    /// Data must have it.
    Required,
    /// It is an `Option`; left out is `None`.
    Nullable,
    /// Left out is its default.
    Defaulted,
    /// Only the server sets it; left out is its default.
    Server,
    /// The store counts it.
    Version,
    /// It is made of the others when the record leaves the server.
    Computed,
    /// It is hidden, and has no default: a new record must have it unless it is an `Option`.
    Hidden,
}

impl Record {
    /// Returns the id field.
    pub(super) fn id(&self) -> Option<&Field> {
        self.fields.iter().find(|field| field.attrs.id.is_some())
    }

    /// Returns the field of a name in Rust.
    pub(super) fn field(&self, name: &Ident) -> Option<&Field> {
        self.fields.iter().find(|field| field.ident.unraw() == name.unraw())
    }

    /// Returns the name of what clients send to `create` and `update`.
    pub(super) fn data(&self) -> Ident {
        quote::format_ident!("{}Data", self.ident)
    }

    /// Returns the name of what hooks and stores have of `create` and `update`.
    pub(super) fn draft(&self) -> Ident {
        quote::format_ident!("{}Draft", self.ident)
    }

    /// Returns the name of what hooks and stores have of `patch`.
    pub(super) fn patch_draft(&self) -> Ident {
        quote::format_ident!("{}PatchDraft", self.ident)
    }

    /// Tells whether clients may send every field of a new record, so that its draft is the same type.
    pub(super) fn data_is_draft(&self) -> bool {
        self.fields.iter().filter(|field| field.is_in_drafts()).all(Field::is_in_data)
    }

    /// Tells whether clients may change every field, so that the draft of a patch is the same type.
    pub(super) fn patch_is_draft(&self) -> bool {
        self.fields.iter().filter(|field| field.is_in_drafts()).all(Field::is_in_patch)
    }

    /// Returns the name of what clients send to `patch`.
    pub(super) fn patch(&self) -> Ident {
        quote::format_ident!("{}Patch", self.ident)
    }
}

impl Field {
    /// Returns the name of the constant that names the field: `ORGANISATION_ID` for `organisation_id`.
    pub(super) fn constant(&self) -> String {
        self.ident.unraw().to_string().to_uppercase()
    }

    /// Tells whether an `update` that leaves the field out keeps its value: clients may not set or change it, or cannot
    /// see it.
    pub(super) fn is_kept(&self) -> bool {
        self.attrs.is_server() || self.attrs.hidden.is_some() || self.attrs.immutable.is_some()
    }

    /// Tells whether hooks may set the field, so that it is in drafts.
    pub(super) fn is_in_drafts(&self) -> bool {
        self.attrs.id.is_some() || !self.attrs.is_kept_by_store()
    }

    /// Tells whether clients may send the field in a new record.
    pub(super) fn is_in_data(&self) -> bool {
        self.attrs.id.is_some() || !self.attrs.is_server()
    }

    /// Tells whether clients may send the field in a patch.
    pub(super) fn is_in_patch(&self) -> bool {
        self.attrs.id.is_some() || self.is_in_data() && self.attrs.immutable.is_none()
    }

    pub(super) fn presence(&self) -> Presence {
        if self.attrs.id.is_some() {
            Presence::Id
        } else if self.attrs.computed.is_some() {
            Presence::Computed
        } else if self.attrs.version.is_some() {
            Presence::Version
        } else if self.attrs.is_server() {
            Presence::Server
        } else if self.attrs.default.is_some() {
            Presence::Defaulted
        } else if self.attrs.hidden.is_some() {
            Presence::Hidden
        } else if option_of(&self.ty).is_some() {
            Presence::Nullable
        } else {
            Presence::Required
        }
    }
}
