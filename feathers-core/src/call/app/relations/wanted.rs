//! What a call populates: the relations that a service always populates, and those of `$populate`.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::call::app::relations::{Branch, DEPTH};
use crate::data::error::{Error, Result};
use crate::data::query::{Caller, Query, QueryOptions};
use crate::data::record::RecordType;

/// One relation that a call populates.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// The index in the schema.
    pub(super) relation: usize,
    /// The only fields that are shown.
    pub(super) select: Option<Arc<[Arc<str>]>>,
    /// Fewer than the relation has at most.
    pub(super) limit: Option<u64>,
    /// Another order than that of the relation.
    pub(super) sort: Option<Value>,
    pub(super) inner: Vec<Self>,
}

/// Where relations are looked up: the record that has them, and those that a client may ask for.
type Scope<'a> = (&'static dyn RecordType, &'a [Branch]);

/// Returns what is populated without being asked for.
pub(super) fn always(branches: &[Branch]) -> Vec<Wanted> {
    let always = branches.iter().filter(|branch| branch.always);
    always.map(|branch| Wanted { inner: always_inside(branch), ..Wanted::of(branch) }).collect()
}

fn always_inside(branch: &Branch) -> Vec<Wanted> {
    always(&branch.inner)
}

impl Wanted {
    fn of(branch: &Branch) -> Self {
        Self { relation: branch.index, select: branch.select.clone(), limit: None, sort: None, inner: Vec::new() }
    }
}

/// Reads `$populate`: a name, a list of names, or an object of names with what is asked of each.
pub(super) fn read(asked: &Value, scope: Scope<'_>, external: bool, all: &mut Vec<Wanted>) -> Result<()> {
    Reading { external, top: scope.1 }.value(asked, scope, "", all)
}

struct Reading<'a> {
    external: bool,
    /// All that may be asked for, for errors.
    top: &'a [Branch],
}

impl Reading<'_> {
    /// `outer` is the path of the relation around it, with a dot.
    fn value(&self, asked: &Value, scope: Scope<'_>, outer: &str, all: &mut Vec<Wanted>) -> Result<()> {
        match asked {
            Value::Null => Ok(()),
            Value::String(path) => self.path(path, None, scope, outer, all),
            Value::Array(items) => items.iter().try_for_each(|item| match item {
                Value::String(path) => self.path(path, None, scope, outer, all),
                _ => Err(Error::bad_request("$populate must be a list of names")),
            }),
            Value::Object(relations) => relations.iter().try_for_each(|(path, options)| match options {
                Value::Object(options) => self.path(path, Some(options), scope, outer, all),
                Value::Null | Value::Bool(true) => self.path(path, None, scope, outer, all),
                Value::String(text) if text.is_empty() || text == "true" => self.path(path, None, scope, outer, all),
                _ => Err(Error::bad_request(format!(
                    "$populate: '{outer}{path}' must be true, or an object with $select, $limit, $sort or $populate"
                ))),
            }),
            _ => Err(Error::bad_request("$populate must be a name, a list of names, or an object of names")),
        }
    }

    fn path(
        &self,
        path: &str,
        options: Option<&Map<String, Value>>,
        (record, branches): Scope<'_>,
        outer: &str,
        all: &mut Vec<Wanted>,
    ) -> Result<()> {
        let full = format!("{outer}{path}");
        if full.split('.').count() > DEPTH {
            return Err(Error::bad_request(format!(
                "$populate is {DEPTH} levels deep at most, and '{full}' is deeper"
            )));
        }
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let allowed = branches.iter().find(|branch| branch.relation.name == name);
        let branch = match allowed {
            Some(branch) => Cow::Borrowed(branch),
            // Code of the server may ask for all that there are.
            None if !self.external => Cow::Owned(Branch::new(record, name).ok_or_else(|| self.refuse(&full))?),
            None => return Err(self.refuse(&full)),
        };
        let place = all.iter().position(|wanted| wanted.relation == branch.index).unwrap_or_else(|| {
            all.push(Wanted::of(&branch));
            all.len() - 1
        });
        let Some(wanted) = all.get_mut(place) else { return Ok(()) };
        let inside = (branch.types.record, &branch.inner[..]);
        match rest {
            Some(rest) => self.path(rest, options, inside, &format!("{outer}{name}."), &mut wanted.inner),
            None => options.map_or(Ok(()), |options| self.options(options, &branch, &full, wanted)),
        }
    }

    fn options(&self, options: &Map<String, Value>, branch: &Branch, path: &str, wanted: &mut Wanted) -> Result<()> {
        let mut query = Map::new();
        for (name, value) in options {
            match name.as_str() {
                "$select" | "$limit" | "$sort" => drop(query.insert(name.clone(), value.clone())),
                "$populate" => {
                    let inside = (branch.types.record, &branch.inner[..]);
                    self.value(value, inside, &format!("{path}."), &mut wanted.inner)?;
                }
                _ => {
                    return Err(Error::bad_request(format!(
                        "$populate: '{path}' cannot have '{name}'; it may have $select, $limit, $sort and $populate"
                    )));
                }
            }
        }
        if !branch.relation.is_many() && (query.contains_key("$limit") || query.contains_key("$sort")) {
            return Err(Error::bad_request(format!(
                "$populate: '{path}' is one record, and has no $limit and no $sort"
            )));
        }
        let caller = Caller { external: self.external, writes_texts: true, withheld: &[], through: &[] };
        let parsed = Query::parse_for(&query, &branch.types.record.schema(), &QueryOptions::default(), caller)?;
        if let Some(select) = parsed.select {
            if let Some(shown) = &branch.select
                && let Some(refused) = select.iter().find(|name| !shown.contains(name))
            {
                let shown: Vec<_> = shown.iter().map(|name| format!("'{name}'")).collect();
                return Err(Error::bad_request(format!(
                    "$populate: '{path}' does not show '{refused}'; it shows {}",
                    shown.join(", ")
                )));
            }
            wanted.select = Some(select.into());
        }
        wanted.limit = parsed.limit;
        wanted.sort = query.remove("$sort");
        Ok(())
    }

    /// Says what may be asked for.
    fn refuse(&self, path: &str) -> Error {
        fn list(branches: &[Branch], outer: &str, names: &mut Vec<String>) {
            for branch in branches {
                let name = format!("{outer}{}", branch.relation.name);
                list(&branch.inner, &format!("{name}."), names);
                names.push(format!("'{name}'"));
            }
        }

        let mut names = Vec::new();
        list(self.top, "", &mut names);
        names.sort();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        Error::bad_request(format!("$populate: '{path}' cannot be populated; what can be is {names}"))
    }
}
