//! Access in a call: what its caller may do is found out before all hooks, and what may not be read is not answered.

use serde_json::{Map, Value};

use super::Context;
use crate::call::app::Mounted;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::call::service::Request;
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::{Payload, records_mut};
use crate::data::query::{FieldPath, Filter};
use crate::data::rights::CallRights;
use crate::event::change::Change;
use crate::store::StoreContext;

/// What the caller sees of the answer.
pub(crate) struct Seen {
    rights: Option<std::sync::Arc<CallRights>>,
    /// Records of which only the id is answered.
    unreadable: Vec<Id>,
    is_unscreened: bool,
}

impl Seen {
    /// Tells whether the caller may see less than others.
    pub(crate) fn is_part(&self) -> bool {
        let withholds = |rights: &CallRights| !rights.read.hidden.is_empty();
        self.is_unscreened || !self.unreadable.is_empty() || self.rights.as_deref().is_some_and(withholds)
    }

    /// Returns a whole result without the records that the caller may not read.
    pub(crate) fn screened(&self, result: Payload, mounted: &Mounted) -> Result<Payload> {
        match (&self.rights, mounted.access(), mounted.schema()) {
            (Some(rights), Some(access), Some(schema)) if self.is_unscreened => {
                access.screened(&rights.read, result, schema)
            }
            _ => Ok(result),
        }
    }

    /// Returns what is selected of a result without the fields that the caller may not see, and only the ids of the
    /// records that it has written and may not read.
    pub(crate) fn masked(&self, selected: Payload, mounted: &Mounted) -> Result<Payload> {
        let Some(rights) = &self.rights else { return Ok(selected) };
        let mut selected = selected.without(&rights.read.hidden)?;
        let Some(schema) = mounted.schema().filter(|_| !self.unreadable.is_empty()) else { return Ok(selected) };
        let is_unreadable = |record: &Map<String, Value>| {
            let id = record.get(schema.id).and_then(|id| Id::from_json(id).ok().flatten());
            id.is_some_and(|id| self.unreadable.contains(&id))
        };
        for record in records_mut(selected.value_mut()?).iter_mut().filter_map(Value::as_object_mut) {
            if is_unreadable(record) {
                record.retain(|name, _| name == schema.id);
            }
        }
        Ok(selected)
    }
}

impl Context {
    /// Tells whether access rules count for the call.
    pub(crate) fn has_rules(&self) -> bool {
        self.service.access().is_some() && self.params.has_rules()
    }

    /// Finds out what the caller may do, and refuses the call if that is not enough.
    pub(crate) async fn check_access(&mut self) -> Result<()> {
        let service = self.service.clone();
        let Some(access) = service.access() else { return Ok(()) };
        self.app.verify(&mut self.params).await?;
        let rights = access.call_rights(self.method.name(), self.app.user(&self.params).as_ref())?;
        if !self.keeps_access() {
            self.check_record(&rights).await?;
        } else if rights.rule != Filter::All && self.method.event().is_some() {
            let (rule, method) = (rights.rule.clone(), self.method.clone());
            self.commit.check_with(move |changes| check_changes(&rule, &method, changes));
        }
        self.rights = Some(rights.into());
        Ok(())
    }

    /// Tells whether the service keeps the rules itself.
    fn keeps_access(&self) -> bool {
        self.service.descriptor().info(&self.method).is_some_and(|info| info.keeps_access)
    }

    /// Checks the rule of a method that is written by hand on the record of the call, as it is before.
    async fn check_record(&self, rights: &CallRights) -> Result<()> {
        let (read, rule) = (&rights.read.filter, &rights.rule);
        if matches!(self.method, Method::Find | Method::Get) || (*read == Filter::All && *rule == Filter::All) {
            return Ok(());
        }
        let Some(id) = self.id_of_record()? else {
            return match (&self.method, rule) {
                (Method::Custom(_) | Method::Create, Filter::All) => Ok(()),
                (Method::Custom(_), _) => {
                    Err(Error::bad_request(format!("id for '{}' can not be undefined", self.method)))
                }
                _ => Err(Error::internal(format!(
                    "'{}' of service '{}' is written by hand, so that its access rule must be a bool",
                    self.method,
                    self.path()
                ))),
            };
        };
        let params = Params::new();
        let store = StoreContext::NONE.with_deadline(self.app.deadline());
        let (path, get) = (self.service.path(), Method::Get);
        let request = Request::new(&self.app, path, &get, Some(id.clone()), Payload::NULL, &params, store);
        let record = match self.service.service().call(request).await {
            Err(error) if error.code() == 404 => return Err(Error::no_record(&id)),
            record => record?,
        };
        let matches = |filter: &Filter| self.service.access().is_some_and(|access| access.matches(filter, &record));
        if !matches(read) {
            return Err(Error::no_record(&id));
        }
        if matches(rule) { Ok(()) } else { Err(Error::not_allowed(self.method.name())) }
    }

    /// Returns the id of the record that the call is about.
    fn id_of_record(&self) -> Result<Option<Id>> {
        if self.id.is_some() {
            return Ok(self.id.clone());
        }
        let Some(schema) = self.service.schema().filter(|_| matches!(self.method, Method::Custom(_))) else {
            return Ok(None);
        };
        Ok(self.data.value()?.get(schema.id).and_then(|id| Id::from_json(id).ok().flatten()))
    }

    /// Notes what of the result the caller may not read.
    pub(super) fn note_unreadable(&mut self, by_hook: bool) {
        let Some(rights) = self.rights.clone() else { return };
        if rights.read.filter == Filter::All && rights.read.hidden.is_empty() {
            return;
        }
        if by_hook || !self.keeps_access() {
            self.aside().is_unscreened = true;
        } else if matches!(self.method, Method::Create | Method::Update | Method::Patch)
            && let (Some(access), Some(schema), Some(result)) =
                (self.service.access(), self.service.schema(), &self.result)
        {
            let unreadable = access.unreadable(&rights.read, result, schema);
            if !unreadable.is_empty() {
                self.aside().unreadable = unreadable;
            }
        }
    }

    /// Returns what the caller sees of the answer, once the hooks are over.
    pub(crate) fn take_seen(&mut self) -> Seen {
        let aside = self.aside.as_mut();
        let (unreadable, is_unscreened) =
            aside.map(|aside| (std::mem::take(&mut aside.unreadable), aside.is_unscreened)).unwrap_or_default();
        Seen { rights: self.rights.clone(), unreadable, is_unscreened }
    }
}

/// Checks the rule of a method that changes records on each of them as it was and as it becomes: one that is refused is
/// all refused.
fn check_changes(rule: &Filter, method: &Method, changes: &[Change]) -> Result<()> {
    let images = changes.iter().flat_map(|change| [change.before(), change.after()]).flatten();
    for image in images {
        if !rule.matches(&|path: &FieldPath| image.lookup(path)) {
            return Err(Error::not_allowed(method.name()));
        }
    }
    Ok(())
}
