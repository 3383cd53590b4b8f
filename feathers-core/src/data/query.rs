//! Queries: the common Feathers query syntax, parsed once and typed by the record's schema.
//!
//! Hooks see the untyped query in [`Params::query`](crate::Params); a store service parses it after the hooks.
//! What is unknown, hidden or of the wrong type is a 400 that names the place; it is never evaluated.

mod coerce;
mod comparison;
mod condition;
mod evaluate;
mod find_result;
pub(crate) mod normal;
mod open;
mod page_builder;
mod parse;
pub mod qs;
mod through;
mod typed;
mod typed_field;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use self::comparison::Comparison;
pub use self::condition::Condition;
pub use self::find_result::FindResult;
pub use self::page_builder::PageBuilder;
pub(crate) use self::page_builder::order;
pub(crate) use self::parse::Caller;
pub(crate) use self::through::Through;
pub use self::typed_field::{Computed, FieldOperand, Ordered, TypedField};
use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::FieldRef;
use crate::data::schema::Schema;

/// A parsed query.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Query {
    /// Which records match.
    pub filter: Filter,
    /// In which order; empty means the store's own order; see [`Store`](crate::Store).
    pub sort: Vec<(FieldPath, Order)>,
    /// At most how many records.
    pub limit: Option<u64>,
    /// How many to leave out first.
    pub skip: u64,
    /// Only these fields, by name; the id always comes along.
    pub select: Option<Vec<Arc<str>>>,
    /// Which versions the record may have: `$version`, where records have one.
    pub version: Option<Vec<i64>>,
    /// Whether the number of all matches is wanted.
    pub count: bool,
    /// The values of whitelisted extra filters such as `$populate`, for the service's own use.
    pub extra: Map<String, Value>,
}

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest first: `1`.
    Ascending,
    /// Largest first: `-1`.
    Descending,
}

/// Which records match.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those that match every one.
    And(Vec<Self>),
    /// Those that match at least one.
    Or(Vec<Self>),
    /// Those whose field compares so.
    Field(FieldPath, Comparison),
}

/// A field, or a place inside a JSON field: `address.city`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldPath {
    /// The index in the schema, if it has one.
    index: Option<usize>,
    name: Arc<str>,
    rest: Vec<Arc<str>>,
    /// The words of an enum, in their order.
    words: &'static [&'static str],
}

impl FieldPath {
    /// Splits a dotted path and finds its first part in the schema.
    pub fn new(path: &str, schema: &Schema) -> Self {
        let mut parts = path.split('.');
        let name = parts.next().unwrap_or_default();
        let index = schema.index(name);
        let words = match index.and_then(|index| schema.fields.get(index)).map(|field| field.data_type) {
            Some(DataType::Enum(words)) => words,
            _ => &[],
        };
        Self { index, name: name.into(), rest: parts.map(Into::into).collect(), words }
    }

    /// Returns the index of the field in the schema.
    pub fn index(&self) -> Option<usize> {
        self.index
    }

    /// Returns the name of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the parts after the field's name.
    pub fn rest(&self) -> &[Arc<str>] {
        &self.rest
    }

    /// Tells whether this is a whole field.
    pub fn is_plain(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the position of a word in its enum, by which enums are ordered; `None` for every other value.
    pub(crate) fn position(&self, value: &FieldRef<'_>) -> Option<usize> {
        if self.words.is_empty() {
            return None;
        }
        let FieldRef::Text(text) = value else { return None };
        self.words.iter().position(|word| *word == &**text)
    }

    /// Returns the value inside the field's JSON.
    pub fn descend<'a>(&self, value: &'a Value) -> FieldRef<'a> {
        let mut value = value;
        for part in &self.rest {
            let inner = match value {
                Value::Object(object) => object.get(&**part),
                Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            match inner {
                Some(inner) => value = inner,
                None => return FieldRef::Null,
            }
        }
        FieldRef::from_json(value)
    }
}

/// What a condition from outside may cost at most, unless it is set otherwise.
const MAX_COST: u64 = 1_000;

/// What a service allows in queries beyond the common syntax, its pagination, and what a condition may cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryOptions {
    /// Extra operators, such as `$like`.
    pub operators: BTreeSet<Arc<str>>,
    /// The extra operators that the store knows, allowed or not; for errors only.
    pub known: BTreeSet<Arc<str>>,
    /// Extra top-level filters, such as `$populate`.
    pub filters: BTreeSet<Arc<str>>,
    /// Page sizes; `None` means no pagination.
    pub paginate: Option<Paginate>,
    /// What the condition of a call from outside may cost; see [`Filter::cost`].
    pub max_cost: u64,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            operators: BTreeSet::new(),
            filters: BTreeSet::new(),
            paginate: None,
            known: BTreeSet::new(),
            max_cost: MAX_COST,
        }
    }
}

/// Page sizes of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paginate {
    /// The size when the query has no `$limit`.
    pub default: Option<u64>,
    /// The largest size that a query can ask for.
    pub max: Option<u64>,
}

impl Paginate {
    /// Sets the size when the query has no `$limit`.
    pub const fn new(default: u64) -> Self {
        Self { default: Some(default), max: None }
    }

    /// Sets the largest size that a query can ask for.
    pub const fn max(mut self, max: u64) -> Self {
        self.max = Some(max);
        self
    }
}

impl Query {
    /// The operators and combinations that every store knows.
    pub const OPERATORS: &[&str] = &comparison::NAMES;

    /// Parses and types a query.
    ///
    /// `external` refuses hidden fields, so that no client can find out a secret by asking for it.
    ///
    /// # Errors
    /// Unknown fields and operators, values of another type, and a condition that costs too much: a 400 that names the
    /// place.
    pub fn parse(raw: &Map<String, Value>, schema: &Schema, options: &QueryOptions, external: bool) -> Result<Self> {
        Self::parse_for(raw, schema, options, Caller { external, ..Caller::default() })
    }

    /// Parses and types the query of a caller.
    pub(crate) fn parse_for(
        raw: &Map<String, Value>,
        schema: &Schema,
        options: &QueryOptions,
        caller: Caller<'_>,
    ) -> Result<Self> {
        parse::parse(raw, schema, options, caller)
    }

    /// Refuses a `$select` of more names than a record has any use for.
    pub(crate) fn check_select(names: &[Value]) -> Result<()> {
        parse::check_select(names)
    }
}

impl Filter {
    /// No record matches.
    pub(crate) const NONE: Self = Self::Or(Vec::new());

    /// Tells whether a record matches; `lookup` returns the record's value at a path.
    pub fn matches<'a>(&self, lookup: &impl Fn(&FieldPath) -> FieldRef<'a>) -> bool {
        evaluate::matches(self, lookup)
    }

    /// Returns what it takes to test one record, in comparisons with one value.
    ///
    /// A list costs one for each of its values, JSON for each value inside it, and a path for each of its parts. A text
    /// of an extra operator costs one for every 16 bytes.
    pub fn cost(&self) -> u64 {
        match self {
            Self::All => 0,
            Self::And(filters) | Self::Or(filters) => filters.iter().map(Self::cost).sum(),
            Self::Field(path, comparison) => path.rest().len() as u64 + comparison.cost(),
        }
    }
}

/// Orders two values as `$sort` does: null, numbers, texts, booleans, arrays, objects.
pub fn compare(a: &FieldRef<'_>, b: &FieldRef<'_>) -> std::cmp::Ordering {
    evaluate::compare(a, b)
}
