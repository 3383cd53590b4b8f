//! Drafts: what hooks have of the data of a record, with all its fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The draft of a new record or of a patch; `#[derive(Service)]` implements it for `TodoDraft` and `TodoPatchDraft`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a draft",
    label = "not a draft",
    note = "the derive of a record `Todo` writes `TodoDraft`, of `create` and `update`, and `TodoPatchDraft`, of `patch`"
)]
pub trait Draft: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The record that it is a draft of.
    type Record: 'static;
    /// Whether it is that of a patch.
    const IS_PATCH: bool;
}
