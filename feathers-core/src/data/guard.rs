//! The guard: every type with hidden fields, so that none of them leaves, whatever code returns it.
//!
//! It checks all data that leaves, in two ways. While a value is written, structs that are records are known by name,
//! wherever they stand in it. Data that is written already has no types, such as a `serde_json::Value` that a hook has
//! made of a record, or a record that is flattened into another struct. There an object that looks like a record is
//! taken for one.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use memchr::memmem::Finder;
use serde_json::{Map, Value};

use crate::data::error::Error;
use crate::data::schema::Schema;

/// A record type as the derive makes it known, before anything is mounted.
#[derive(Debug)]
pub struct Registered {
    /// The name of the type with its path.
    pub type_name: fn() -> &'static str,
    /// The name under which serde writes it.
    pub name: &'static str,
    /// The fields.
    pub schema: fn() -> Schema,
    /// Whether every field is written as its type says, by no function of its own.
    pub writes_as_typed: bool,
}

inventory::collect!(Registered);

/// All record types, where at least one has hidden fields.
pub(crate) struct Guard {
    groups: Vec<Group>,
    /// The hidden names as they stand in JSON text.
    names: Vec<Finder<'static>>,
}

/// The records that serde writes under one name.
struct Group {
    name: &'static str,
    records: Vec<Guarded>,
    /// The hidden fields of all of them.
    hidden: Vec<&'static str>,
    warned: AtomicBool,
}

struct Guarded {
    /// The name of the type with its path, where it is known.
    type_name: Option<&'static str>,
    id: &'static str,
    hidden: Vec<&'static str>,
    /// The fields besides the id that are never left out and never hidden.
    always: Vec<&'static str>,
}

/// The guard that holds now.
static GUARD: LazyLock<ArcSwap<Guard>> = LazyLock::new(|| {
    let derived = inventory::iter::<Registered>.into_iter();
    let records = derived.map(|record| (record.name, Guarded::new(Some((record.type_name)()), &(record.schema)())));
    ArcSwap::from_pointee(Guard::new(records))
});

thread_local! {
    /// Whether this thread is writing something that leaves.
    static LEAVING: Cell<bool> = const { Cell::new(false) };
}

/// Whether any record has hidden fields: where none has, nothing else is looked at.
static ANY: AtomicBool = AtomicBool::new(false);

/// Returns the guard; `None` where no record has hidden fields.
pub(crate) fn current() -> Option<Arc<Guard>> {
    ANY.load(Ordering::Relaxed).then(|| GUARD.load_full())
}

/// Tells whether a schema names everything that its record writes: one by hand, and a field with a function of its own,
/// may write more.
pub(crate) fn writes_its_schema<R>() -> bool {
    let name = std::any::type_name::<R>();
    let is_sound = |record: &Registered| record.writes_as_typed && (record.type_name)() == name;
    inventory::iter::<Registered>.into_iter().any(is_sound)
}

/// Looks which records there are; a service is mounted after that.
pub(crate) fn prepare() {
    ANY.store(!GUARD.load().names.is_empty(), Ordering::Relaxed);
}

/// Makes a schema known that was written by hand.
pub(crate) fn know(schema: &Schema) {
    let record = Guarded::new(None, schema);
    if record.hidden.is_empty() || GUARD.load().knows(schema.name, &record) {
        return;
    }
    GUARD.rcu(|guard| {
        let all = guard.groups.iter().flat_map(|group| group.records.iter().map(|record| (group.name, record.clone())));
        Guard::new(all.chain([(schema.name, record.clone())]))
    });
    prepare();
}

/// Runs what writes something that leaves, so that payloads inside of it leave out their hidden fields too.
pub(crate) fn leaving<T>(write: impl FnOnce() -> T) -> T {
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            LEAVING.set(self.0);
        }
    }
    let _before = Before(LEAVING.replace(true));
    write()
}

/// Tells whether this thread is writing something that leaves.
pub(crate) fn is_leaving() -> bool {
    LEAVING.get()
}

/// Returns an error as it may leave the server: no hidden field of a record stands in its data.
pub(crate) fn outbound_error(error: Error) -> Error {
    let Some(guard) = current() else { return error };
    let cleaned = |value: &Value| {
        guard.finds(value).then(|| {
            let mut value = value.clone();
            guard.clean(&mut value);
            value
        })
    };
    let (data, errors) = (error.data().and_then(cleaned), error.errors().and_then(cleaned));
    let error = data.into_iter().fold(error, Error::with_data);
    errors.into_iter().fold(error, Error::with_errors)
}

impl Guarded {
    fn new(type_name: Option<&'static str>, schema: &Schema) -> Self {
        let names = |keep: fn(&crate::data::schema::Field) -> bool| {
            schema.fields.iter().filter(move |field| keep(field)).map(|field| field.name)
        };
        Self {
            type_name,
            id: schema.id,
            hidden: names(|field| field.hidden).collect(),
            always: names(|field| !field.hidden && !field.nullable).filter(|name| *name != schema.id).collect(),
        }
    }

    /// Tells whether an object looks like this record with something hidden: it has the id, and at least half of what
    /// such a record always has.
    fn looks_like(&self, object: &Map<String, Value>) -> bool {
        let has = |name: &&&str| object.contains_key(**name);
        self.hidden.iter().any(|name| object.contains_key(*name))
            && object.contains_key(self.id)
            && self.always.iter().filter(has).count() * 2 >= self.always.len()
    }
}

impl Clone for Guarded {
    fn clone(&self) -> Self {
        Self { hidden: self.hidden.clone(), always: self.always.clone(), ..*self }
    }
}

impl Guard {
    fn new(records: impl IntoIterator<Item = (&'static str, Guarded)>) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (name, record) in records {
            let index = groups.iter().position(|group| group.name == name).unwrap_or_else(|| {
                groups.push(Group { name, records: Vec::new(), hidden: Vec::new(), warned: AtomicBool::new(false) });
                groups.len() - 1
            });
            let group = &mut groups[index];
            group.hidden.extend(&record.hidden);
            group.records.push(record);
        }
        let mut hidden: Vec<_> = groups.iter().flat_map(|group| &group.hidden).collect();
        hidden.sort_unstable();
        hidden.dedup();
        let quoted = |name: &&str| Finder::new(Value::from(*name).to_string().as_bytes()).into_owned();
        let names = hidden.into_iter().map(quoted).collect();
        Self { groups, names }
    }

    fn knows(&self, name: &str, record: &Guarded) -> bool {
        let mut group = self.groups.iter().filter(|group| group.name == name);
        group.any(|group| group.records.iter().any(|known| known.hidden == record.hidden && known.id == record.id))
    }

    /// Returns the hidden fields of a struct; `name` is serde's, `of` that of the type that is being written.
    ///
    /// A struct that is no record, and has the name of one, loses the same fields: it may be the record in disguise.
    pub(crate) fn hidden(&self, name: &str, of: &str) -> &[&'static str] {
        let Some(group) = self.groups.iter().find(|group| group.name == name) else { return &[] };
        if group.hidden.is_empty() {
            return &[];
        }
        let is = |record: &&Guarded| record.type_name == Some(of);
        if let Some(record) = group.records.iter().find(is) {
            return &record.hidden;
        }
        // An `Arc` of it, a `Box` of it and the like.
        let mut around = group.records.iter().filter(|record| record.type_name.is_some_and(|name| of.contains(name)));
        match (around.next(), around.next()) {
            (Some(record), None) => return &record.hidden,
            (Some(_), Some(_)) => {}
            (None, _) => group.warn(of),
        }
        &group.hidden
    }

    /// Tells whether a JSON text may have something hidden in it.
    ///
    /// A text that another program has written (`own` is false) may have a name with escapes.
    pub(crate) fn suspects(&self, json: &[u8], own: bool) -> bool {
        self.names.iter().any(|name| name.find(json).is_some()) || !own && memchr::memmem::find(json, b"\\u").is_some()
    }

    /// Tells whether an object in the value looks like a record with something hidden.
    pub(crate) fn finds(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.finds(item)),
            Value::Object(object) => {
                self.records().any(|(_, record)| record.looks_like(object))
                    || object.values().any(|value| self.finds(value))
            }
            _ => false,
        }
    }

    /// Takes the hidden fields from every object that looks like a record.
    pub(crate) fn clean(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean(item)),
            Value::Object(object) => {
                for (group, record) in self.records() {
                    if record.looks_like(object) {
                        group.warn("an object without a type");
                        object.retain(|name, _| !record.hidden.contains(&name.as_str()));
                    }
                }
                object.values_mut().for_each(|value| self.clean(value));
            }
            _ => {}
        }
    }

    /// Looks through JSON text that was just written, and writes it again if something hidden stands in it.
    pub(crate) fn sweep(&self, json: &mut Vec<u8>) -> serde_json::Result<()> {
        if !self.suspects(json, true) {
            return Ok(());
        }
        let mut value: Value = serde_json::from_slice(json)?;
        if self.finds(&value) {
            self.clean(&mut value);
            json.clear();
            serde_json::to_writer(json, &value)?;
        }
        Ok(())
    }

    fn records(&self) -> impl Iterator<Item = (&Group, &Guarded)> {
        let all = self.groups.iter().flat_map(|group| group.records.iter().map(move |record| (group, record)));
        all.filter(|(_, record)| !record.hidden.is_empty())
    }
}

impl Group {
    fn warn(&self, of: &str) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                record = self.name,
                value = of,
                hidden = ?self.hidden,
                "a value is taken for a record and leaves without its hidden fields; give them other names if it is none"
            );
        }
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.groups.iter().map(|group| group.name)).finish()
    }
}
