//! Fields that the server sets by itself, in drafts that have been checked: `set`, `created_at` and their like.

use super::Crud;
use crate::call::service::Request;
use crate::call::set_context::{SetContext, Setters};
use crate::data::error::Result;
use crate::data::record::Record;
use crate::store::Store;

impl<S: Store> Crud<S> {
    /// Sets the fields of new records, or of one that replaces another.
    pub(super) fn set(drafts: &mut [<S::Record as Record>::Draft], request: &Request<'_>, creates: bool) -> Result<()> {
        let Some(setters) = Setters::<S::Record>::of_record() else { return Ok(()) };
        let context = SetContext::new(request);
        drafts.iter_mut().try_for_each(|draft| (setters.draft)(draft, &context, creates))
    }

    /// Sets the fields that every change sets.
    pub(super) fn set_patch(patch: &mut <S::Record as Record>::PatchDraft, request: &Request<'_>) -> Result<()> {
        let Some(setters) = Setters::<S::Record>::of_record() else { return Ok(()) };
        (setters.patch)(patch, &SetContext::new(request))
    }
}
