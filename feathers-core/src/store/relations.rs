//! The stores of one database: which records refer to which, and what removing one of them changes.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::data::schema::constraint::{OnDelete, Reference};
use crate::event::store_id::StoreId;

/// The most records that a removal may change in one commit together with those that refer to them.
pub const MAX_CHANGES: usize = 10_000;

/// The stores of one database, each by its number, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Relations(Vec<Member>);

#[derive(Debug)]
struct Member {
    record: TypeId,
    schema: Schema,
    /// Where the records are: the name of the table.
    place: String,
    /// Whether it is the one that references are to, where there are several of the record.
    is_default: bool,
    store: StoreId,
}

/// What a removal changes besides the records that it is for.
#[derive(Debug, Default)]
pub struct Cascade {
    /// The records some of whose fields become `null`, by the number of their store.
    pub cleared: Vec<Cleared>,
    /// The records that go, those that refer to others before these, with the ones that the removal is for among them.
    pub removed: Vec<Removed>,
    /// Whether records that go refer to each other in a circle, so that no order has those that refer first.
    pub is_circular: bool,
}

/// A record some of whose fields become `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The number of the store.
    pub store: usize,
    /// The id.
    pub id: Id,
    /// The names of the fields.
    pub fields: Vec<&'static str>,
}

/// A record that goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Removed {
    /// The number of the store.
    pub store: usize,
    /// The id.
    pub id: Id,
    /// Whether the removal is for it; otherwise it goes since it refers to another.
    pub is_asked_for: bool,
}

impl Relations {
    /// Adds the store of a type of records at a place, or finds the one that is there. Returns its number.
    ///
    /// Where a database has several stores of the same records, references are to the `is_default` one.
    pub fn add<R: Record>(&mut self, schema: &Schema, place: &str, is_default: bool) -> usize {
        let record = TypeId::of::<R>();
        if let Some(known) = self.0.iter().position(|member| member.record == record && member.place == place) {
            return known;
        }
        let store = StoreId::new();
        let refers = |schema: &Schema, to: TypeId| {
            schema.constraints.references.iter().any(|reference| reference.target_type() == to)
        };
        if self.0.iter().any(|member| refers(&member.schema, record)) {
            store.refer();
        }
        let (schema, place) = (schema.clone(), place.to_owned());
        self.0.push(Member { record, schema, place, is_default, store });
        for target in &self.0 {
            if self.0.last().is_some_and(|new| refers(&new.schema, target.record)) {
                target.store.refer();
            }
        }
        self.0.len() - 1
    }

    /// Returns the name of a store to the app.
    pub fn store_id(&self, store: usize) -> StoreId {
        self.0.get(store).map(|member| member.store.clone()).unwrap_or_default()
    }

    /// Returns the number of the store to whose records a reference is.
    ///
    /// # Errors
    /// There is none, or there are several and none is the default one: a sentence for the developer.
    pub fn target(&self, store: usize, reference: &Reference) -> Result<usize> {
        let to = reference.target_type();
        let targets: Vec<_> = self.0.iter().enumerate().filter(|(_, member)| member.record == to).collect();
        if let [(only, _)] = targets.as_slice() {
            return Ok(*only);
        }
        let record = self.0.get(store).map_or("", |member| member.schema.name);
        let (field, target) = (reference.field, reference.target().name);
        match targets.as_slice() {
            [] => Err(Error::general(format!(
                "{record} refers to {target} by '{field}', and its database has no store of {target}: make both by one \
                 `Database`"
            ))),
            several => several.iter().find(|(_, member)| member.is_default).map(|(number, _)| *number).ok_or_else(|| {
                let places: Vec<_> = several.iter().map(|(_, member)| format!("'{}'", member.place)).collect();
                Error::general(format!(
                    "{record} refers to {target} by '{field}', and its database has {target} in {}: the one that is made by \
                     `store` is meant, and there is none",
                    places.join(" and ")
                ))
            }),
        }
    }

    /// Returns where the records of a type are, to which references are; `None` if there is no store of them yet.
    pub fn place_of(&self, record: TypeId) -> Option<&str> {
        let mut places = self.0.iter().filter(|member| member.record == record);
        let default = places.clone().find(|member| member.is_default);
        default.or_else(|| places.next()).map(|member| &*member.place)
    }

    /// Returns where the records of a store are.
    pub fn place(&self, store: usize) -> &str {
        self.0.get(store).map_or("", |member| &member.place)
    }

    /// Returns what is wrong with the references of a store, for the start of the app.
    pub fn mistakes(&self, store: usize) -> Vec<String> {
        let Some(member) = self.0.get(store) else { return Vec::new() };
        let references = member.schema.constraints.references.iter();
        let missing = references.filter_map(|reference| self.target(store, reference).err());
        missing.map(|error| error.to_string()).chain(circle(member.record, &member.schema)).collect()
    }

    /// Returns the references to the records of a store, each with the number of the store that it is in.
    fn referrers(&self, store: usize) -> impl Iterator<Item = (usize, &'static Reference)> {
        let members = self.0.iter().enumerate();
        let all =
            members.flat_map(|(number, member)| member.schema.constraints.references.iter().map(move |r| (number, r)));
        all.filter(move |(number, reference)| self.target(*number, reference).is_ok_and(|target| target == store))
    }

    /// Finds everything that removing records of a store changes.
    ///
    /// `referring` returns the ids of the records of a store whose field has one of the ids, each with that one. It may
    /// leave out what is beyond [`MAX_CHANGES`] and one.
    ///
    /// # Errors
    /// A record that stays refers to one that goes, and says `restrict`: a 409. More than [`MAX_CHANGES`] would change: a
    /// 400. And what `referring` fails with.
    pub fn cascade<E: From<Error>>(
        &self,
        store: usize,
        ids: &[Id],
        mut referring: impl FnMut(usize, &'static Reference, &[Id]) -> Result<Vec<(Id, Id)>, E>,
    ) -> Result<Cascade, E> {
        let mut reach = Reach::new(store, ids);
        let referrers: Vec<Vec<_>> = (0..self.0.len()).map(|store| self.referrers(store).collect()).collect();
        while !reach.waiting.is_empty() {
            for (store, ids) in std::mem::take(&mut reach.waiting) {
                for (number, reference) in referrers.get(store).into_iter().flatten() {
                    let others = referring(*number, reference, &ids)?;
                    reach.meet(store, *number, reference, others)?;
                }
            }
        }
        let stays = |(number, id, _): &&(usize, Id, _)| !reach.gone.contains(&(*number, id.clone()));
        if let Some((number, _, reference)) = reach.restricting.iter().find(stays)
            && let Some(member) = self.0.get(*number)
        {
            return Err(reference.restricts(&member.schema).into());
        }
        Ok(reach.finish())
    }
}

/// A record, by the number of its store and its id.
type Key = (usize, Id);

/// What a removal reaches.
struct Reach {
    asked_for: Vec<Key>,
    /// Those whose referring records are not known yet, by the number of their store.
    waiting: BTreeMap<usize, Vec<Id>>,
    gone: HashSet<Key>,
    /// For each record that goes, those that refer to it.
    referring: HashMap<Key, Vec<Key>>,
    cleared: Vec<Cleared>,
    restricting: Vec<(usize, Id, &'static Reference)>,
}

impl Reach {
    fn new(store: usize, ids: &[Id]) -> Self {
        let asked_for: Vec<Key> = ids.iter().map(|id| (store, id.clone())).collect();
        let (waiting, gone) = (BTreeMap::from([(store, ids.to_vec())]), asked_for.iter().cloned().collect());
        let (referring, cleared, restricting) = (HashMap::new(), Vec::new(), Vec::new());
        Self { asked_for, waiting, gone, referring, cleared, restricting }
    }

    /// Notes the records of a store that refer to some that go, each with that one.
    fn meet(&mut self, to: usize, store: usize, reference: &'static Reference, others: Vec<(Id, Id)>) -> Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        for (id, goes) in others {
            self.referring.entry((to, goes)).or_default().push((store, id.clone()));
            match reference.on_delete {
                OnDelete::Restrict => self.restricting.push((store, id, reference)),
                OnDelete::SetNull => self.cleared.push(Cleared { store, id, fields: vec![reference.field] }),
                OnDelete::Cascade => {
                    if self.gone.insert((store, id.clone())) {
                        self.waiting.entry(store).or_default().push(id);
                    }
                }
            }
        }
        if self.gone.len() + self.cleared.len() > MAX_CHANGES {
            return Err(Error::bad_request(format!(
                "more than {MAX_CHANGES} records would change with those that refer to them: remove fewer at once"
            )));
        }
        Ok(())
    }

    /// Puts the records in order: those that refer to others before these.
    fn finish(self) -> Cascade {
        let Self { asked_for, gone, referring, cleared, .. } = self;
        let none = Vec::new();
        let referring = |key: &Key| referring.get(key).unwrap_or(&none).iter().filter(|other| gone.contains(*other));
        let roots: HashSet<&Key> = asked_for.iter().collect();
        let mut cascade = Cascade::default();
        // Whether each record that was reached is done; the others are on the way to the one that is looked at.
        let mut reached: HashMap<&Key, bool> = HashMap::new();
        for root in &asked_for {
            let mut way = Vec::new();
            if reached.insert(root, false).is_none() {
                way.push((root, referring(root)));
            } else {
                reached.insert(root, true);
            }
            while let Some((key, others)) = way.last_mut() {
                if let Some(other) = others.next() {
                    match reached.get(other) {
                        None => {
                            reached.insert(other, false);
                            way.push((other, referring(other)));
                        }
                        Some(is_done) => cascade.is_circular |= !is_done,
                    }
                    continue;
                }
                let key = *key;
                let (store, id) = key.clone();
                cascade.removed.push(Removed { store, id, is_asked_for: roots.contains(key) });
                reached.insert(key, true);
                way.pop();
            }
        }
        let mut places = HashMap::new();
        for mut cleared in cleared.into_iter().filter(|cleared| !gone.contains(&(cleared.store, cleared.id.clone()))) {
            let place = *places.entry((cleared.store, cleared.id.clone())).or_insert(cascade.cleared.len());
            match cascade.cleared.get_mut(place) {
                Some(known) => known.fields.append(&mut cleared.fields),
                None => cascade.cleared.push(cleared),
            }
        }
        cascade
    }
}

/// Finds references that lead from a type back to it without an `Option` among them: no first record could be stored.
fn circle(record: TypeId, schema: &Schema) -> Option<String> {
    fn leads_back(to: TypeId, schema: &Schema, way: &mut Vec<String>, seen: &mut HashSet<TypeId>) -> bool {
        for reference in schema.constraints.references {
            if schema.field(reference.field).is_none_or(|field| field.nullable) {
                continue;
            }
            let (target, next) = (reference.target_type(), reference.target());
            way.push(format!("{} refers to {} by '{}'", schema.name, next.name, reference.field));
            if target == to || seen.insert(target) && leads_back(to, &next, way, seen) {
                return true;
            }
            way.pop();
        }
        false
    }
    let mut way = Vec::new();
    leads_back(record, schema, &mut way, &mut HashSet::new()).then(|| {
        format!(
            "{}: no first record of this circle could be stored, so one of the fields must be an `Option`",
            way.join(", ")
        )
    })
}
