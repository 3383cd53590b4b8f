//! Plans: how much of a query a database can answer by itself.
//!
//! Columns of lists, objects and JSON, paths into them and custom operators are decided in Rust, by the rules that all stores share. For
//! those the predicate is a coarse one, which lets through at least every record that matches; it is `exact` otherwise.

use feathers_core::{Comparison, DataType, FieldPath, FieldRef, FieldValue, Filter, Order, Query, Schema};

use crate::operator::Operand;
use crate::predicate::Predicate;
use crate::value::{self, Value};

/// At most so many comparisons go into one statement: databases limit the depth of expressions.
const COMPARISONS: usize = 400;
/// At most so many values are bound to one statement: databases limit that too, SQLite to 32,766.
const VALUES: usize = 16_384;

/// A filter in SQL.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) predicate: Predicate,
    /// In the order in which the predicate mentions them.
    pub(super) values: Vec<Value>,
    /// Whether the predicate says exactly what the filter says.
    pub(super) exact: bool,
}

impl Plan {
    pub(super) fn new(filter: &Filter, schema: &Schema) -> Self {
        let mut planner = Planner { schema, comparisons: 0, room: VALUES, exact: true };
        let (predicate, values) = planner.filter(filter);
        Self { predicate, values, exact: planner.exact }
    }
}

/// Returns the columns to sort by, and whether that is all that the query asks for.
pub(super) fn order(query: &Query, schema: &Schema) -> (Vec<(usize, Order)>, bool) {
    let mut columns = Vec::with_capacity(query.sort.len());
    for (path, order) in &query.sort {
        match column(path, schema) {
            Some((index, kind)) if !kind.is_nested() && path.is_plain() => columns.push((index, *order)),
            Some((_, kind)) if kind.is_nested() => return (columns, false),
            // The same for every record.
            _ => {}
        }
    }
    (columns, true)
}

/// Returns the column of a path.
pub(super) fn column(path: &FieldPath, schema: &Schema) -> Option<(usize, DataType)> {
    let index = path.index()?;
    schema.fields.get(index).map(|field| (index, field.data_type))
}

struct Planner<'a> {
    schema: &'a Schema,
    comparisons: usize,
    room: usize,
    exact: bool,
}

type Term = (Predicate, Vec<Value>);

impl Planner<'_> {
    fn filter(&mut self, filter: &Filter) -> Term {
        match filter {
            Filter::All => (Predicate::Always, Vec::new()),
            Filter::And(filters) => self.join(filters, Predicate::all),
            Filter::Or(filters) => self.join(filters, Predicate::any),
            Filter::Field(path, comparison) => self.field(filter, path, comparison),
            _ => self.inexact(),
        }
    }

    fn join(&mut self, filters: &[Filter], join: fn(Vec<Predicate>) -> Predicate) -> Term {
        let (parts, values): (Vec<_>, Vec<_>) = filters.iter().map(|filter| self.filter(filter)).unzip();
        let predicate = join(parts);
        // Where a constant has decided the whole, the values of the other parts are gone with them.
        let values = if predicate.values() == 0 { Vec::new() } else { values.concat() };
        (predicate, values)
    }

    fn field(&mut self, filter: &Filter, path: &FieldPath, comparison: &Comparison) -> Term {
        self.comparisons += 1;
        let custom = matches!(comparison, Comparison::Custom(..));
        let (index, kind) = match column(path, self.schema) {
            Some((index, kind)) if path.is_plain() || kind.is_nested() => (index, kind),
            // A place that no record has: the comparison with a missing value decides for all.
            _ if !custom => return constant(matches_null(filter)),
            _ => return self.inexact(),
        };
        if custom || kind.is_nested() || self.comparisons > COMPARISONS {
            return self.inexact();
        }
        match compare(index, kind, comparison) {
            Some((_, values)) if values.len() > self.room => self.inexact(),
            Some((predicate, values)) => {
                self.room -= values.len();
                let nulls = if matches_null(filter) { Predicate::Null(index) } else { Predicate::Never };
                (Predicate::any(vec![predicate, nulls]), values)
            }
            None => self.inexact(),
        }
    }

    /// Leaves the decision to Rust.
    fn inexact(&mut self) -> Term {
        self.exact = false;
        constant(true)
    }
}

fn constant(holds: bool) -> Term {
    (if holds { Predicate::Always } else { Predicate::Never }, Vec::new())
}

/// Asks the shared rules whether a record without a value there matches.
fn matches_null(filter: &Filter) -> bool {
    filter.matches(&|_: &FieldPath| FieldRef::Null)
}

/// Returns the condition on records that have a value there; `None` for a comparison that is not known here.
///
/// Values of another type than the column's are sorted out here: a database would convert them and find `'7'` equal to 7.
fn compare(index: usize, kind: DataType, comparison: &Comparison) -> Option<Term> {
    let list = |values: &[FieldValue], some: fn(usize, usize) -> Predicate, otherwise| {
        let mut values: Vec<_> = values.iter().filter_map(|value| fitting(kind, value)).collect();
        let Some(last) = values.last().cloned() else { return (otherwise, values) };
        // Lengths are rounded up, so that lists of all lengths share a few statements.
        values.resize(values.len().next_power_of_two(), last);
        (some(index, values.len()), values)
    };
    Some(match Operand::of(comparison)? {
        // One with more places than the column has is larger than some values in it, and smaller than others.
        Operand::One(operator, value @ FieldValue::Decimal(_))
            if operator.is_order() && matches!(kind, DataType::Decimal(_)) && fitting(kind, value).is_none() =>
        {
            return None;
        }
        Operand::One(operator, value) => match fitting(kind, value) {
            Some(value) => (Predicate::Compare(index, operator), vec![value]),
            None if operator.is_negative() => (Predicate::NotNull(index), Vec::new()),
            None => (Predicate::Never, Vec::new()),
        },
        Operand::In(values) => list(values, Predicate::In, Predicate::Never),
        Operand::NotIn(values) => list(values, Predicate::NotIn, Predicate::NotNull(index)),
    })
}

/// Returns a value to compare a column of this kind with, if it can hold something equal.
fn fitting(kind: DataType, value: &FieldValue) -> Option<Value> {
    let fits = match (kind, value) {
        (DataType::Integer | DataType::Number, FieldValue::Float(number)) => !number.is_nan(),
        (DataType::Boolean, FieldValue::Bool(_))
        | (DataType::Integer | DataType::Number, FieldValue::Int(_))
        | (
            DataType::String | DataType::Date | DataType::Time | DataType::Enum(_) | DataType::Uuid,
            FieldValue::Text(_),
        )
        | (DataType::Instant, FieldValue::Instant(_))
        | (DataType::Duration, FieldValue::Duration(_))
        | (DataType::Bytes, FieldValue::Bytes(_)) => true,
        (DataType::Decimal(scale), FieldValue::Decimal(number)) => return value::units(*number, scale),
        _ => false,
    };
    if fits { value::compare(&value.borrowed()) } else { None }
}
