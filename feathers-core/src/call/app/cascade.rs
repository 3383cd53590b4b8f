//! Changes of records of other stores in the commit of a call: their listeners and publishers, without their hooks.

use std::sync::Arc;

use crate::call::app::registry::Mounted;
use crate::call::app::{AppHandle, Write};
use crate::call::method::Method;
use crate::call::params::Params;
use crate::call::publish::Publication;
use crate::data::payload::Payload;
use crate::event::change::Change;
use crate::event::commit::Commit;
use crate::event::log::Slot;

/// Tells the services of other stores what a commit has changed there, in its order, right after the commit: nothing
/// that the call does later can hold it back.
///
/// A change whose store has no service has no event.
pub(crate) fn tell_others(app: &AppHandle, commit: &Commit, params: &Params) {
    let mounted = app.mounted();
    for other in commit.others() {
        // Its place in the log, free again if nothing takes it.
        let mut slot = commit.next_slot();
        let (method, image) = match (other.change.before(), other.change.after()) {
            (_, Some(after)) => (Method::Patch, after),
            (Some(before), None) => (Method::Remove, before),
            (None, None) => continue,
        };
        let (record, id, data) = (image.payload(), other.change.id(), Payload::NULL);
        for mounted in mounted.iter().filter(|mounted| mounted.descriptor().store.as_ref() == Some(&other.store)) {
            let (id, path) = (id.as_ref(), mounted.path());
            let write = Write { path, method: &method, id, data: &data, params, result: &record };
            mounted.tell_of_write(&write, app);
            publish(app, mounted, &method, &other.change, &record, slot.take());
        }
    }
}

/// Sends one event; a service that is not the first of its store has its events at the end of the log.
fn publish(
    app: &AppHandle,
    mounted: &Arc<Mounted>,
    method: &Method,
    change: &Change,
    record: &Payload,
    slot: Option<Slot>,
) {
    let Some(event) = method.event() else { return };
    let published = mounted.published(event);
    let kind = mounted.kind(event, published);
    let (path, event, change) = (kind.path.clone(), kind.name.clone(), Some(change.clone()));
    let publication = Publication { path, event, data: record.clone(), call: None, change };
    app.notify(mounted, &publication);
    if let Some(published) = published.filter(|event| event.has_audience()) {
        let slot = slot.unwrap_or_else(|| app.log().slot(None));
        published.publish(publication, record.clone(), app, slot);
    }
}
