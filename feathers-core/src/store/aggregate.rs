//! Aggregates: counts, sums, smallest and largest values of the records that match, in groups.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use crate::data::error::{Error, Result};
use crate::data::field::{FieldRef, FieldValue};
use crate::data::field_names::IntoFieldNames;
use crate::data::query::{FieldPath, Query, compare};
use crate::data::record::Record;
use crate::data::schema::{DataType, Schema};
use crate::store::{Store, StoreContext};

/// What is to be computed of the records that match a query, by [`Store::aggregate`].
///
/// Each call of a method adds one value to the rows of the result; `group_by` makes one row for each set of values of
/// these fields, in their order, `null` first. Without it there is one row, also where no record matches.
///
/// `null` does not count: it is in no sum, and neither smallest nor largest. The sum of no values is 0, the smallest and
/// largest of none is `null`. Sums are of numbers; the others, and groups, are of booleans, numbers and texts.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::store::{Aggregate, Store, StoreContext};
/// use feathers::query::Query;
/// use feathers::schema::FieldValue;
/// use feathers_testing::{Person, PersonData};
/// use feathers::Memory;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let people = Memory::<Person>::new();
/// let person = |name: &str, age| PersonData { name: name.to_owned(), age, ..PersonData::default() };
/// people.store().create(vec![person("Ann", 30), person("Bob", 20), person("Ann", 40)], &StoreContext::NONE).await?;
///
/// let ages = Aggregate::new().count().sum("age").group_by("name");
/// let rows = people.store().aggregate(&ages, &Query::default(), &StoreContext::NONE).await?;
/// assert_eq!(rows.len(), 2);
/// assert_eq!(rows[0].group, [FieldValue::Text("Ann".into())]);
/// assert_eq!(rows[0].values, [FieldValue::Int(2), FieldValue::Int(70)]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "an aggregate computes nothing before a store gets it"]
pub struct Aggregate {
    measures: Vec<Measure>,
    groups: Vec<Arc<str>>,
}

/// One value of the rows of an [`Aggregate`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// How many records there are.
    Count,
    /// The sum of a field.
    Sum(Arc<str>),
    /// The smallest value of a field.
    Min(Arc<str>),
    /// The largest value of a field.
    Max(Arc<str>),
}

/// One row of the result of an [`Aggregate`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AggregateRow {
    /// The values of the fields of the group, in the order in which they were named.
    pub group: Vec<FieldValue>,
    /// What was computed, in the order in which it was asked for.
    pub values: Vec<FieldValue>,
}

impl AggregateRow {
    /// Makes a row; a store that computes by itself does.
    pub fn new(group: Vec<FieldValue>, values: Vec<FieldValue>) -> Self {
        Self { group, values }
    }
}

impl Aggregate {
    /// Computes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts the records.
    pub fn count(mut self) -> Self {
        self.measures.push(Measure::Count);
        self
    }

    /// Adds up a field: a text, or a constant such as `Ticket::COST`.
    pub fn sum(self, field: impl IntoFieldNames) -> Self {
        self.each(field, Measure::Sum)
    }

    /// Finds the smallest value of a field.
    pub fn min(self, field: impl IntoFieldNames) -> Self {
        self.each(field, Measure::Min)
    }

    /// Finds the largest value of a field.
    pub fn max(self, field: impl IntoFieldNames) -> Self {
        self.each(field, Measure::Max)
    }

    /// Makes a row for each set of values of these fields.
    pub fn group_by(mut self, fields: impl IntoFieldNames) -> Self {
        fields.each_field(|field| self.groups.push(field.into()));
        self
    }

    fn each(mut self, fields: impl IntoFieldNames, measure: fn(Arc<str>) -> Measure) -> Self {
        fields.each_field(|field| self.measures.push(measure(field.into())));
        self
    }

    /// Returns what is computed.
    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    /// Returns the fields of groups.
    pub fn groups(&self) -> &[Arc<str>] {
        &self.groups
    }

    /// Checks that the records have these fields, and that they are of types that can be computed with.
    ///
    /// # Errors
    /// An unknown field, and one of another type: a 400 that names it.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        if schema.open {
            return Ok(());
        }
        for measure in &self.measures {
            match measure {
                Measure::Count => {}
                Measure::Sum(field) => {
                    if !matches!(type_of(field, schema)?, DataType::Integer | DataType::Number) {
                        return Err(Error::bad_request(format!("'{field}' is no number and has no sum")));
                    }
                }
                Measure::Min(field) | Measure::Max(field) => check_scalar(field, schema)?,
            }
        }
        self.groups.iter().try_for_each(|field| check_scalar(field, schema))
    }

    /// Returns a sum of whole numbers as the value of a row, for stores that add up by themselves.
    ///
    /// # Errors
    /// It is no whole number of 64 bits: a 400 that names the field.
    pub fn whole_sum(field: &str, sum: i128) -> Result<FieldValue> {
        i64::try_from(sum).map(FieldValue::Int).map_err(|_| too_large(field))
    }

    /// Returns a sum of other numbers as the value of a row.
    ///
    /// # Errors
    /// It is not finite: a 400 that names the field.
    pub fn finite_sum(field: &str, sum: f64) -> Result<FieldValue> {
        if sum.is_finite() { Ok(FieldValue::Float(sum + 0.0)) } else { Err(too_large(field)) }
    }

    /// Puts rows in the order of their groups, as [`Store::aggregate`] returns them.
    pub fn sort(rows: &mut [AggregateRow]) {
        let order = |one: &FieldValue, other: &FieldValue| compare(&one.borrowed(), &other.borrowed());
        rows.sort_by(|one, other| {
            let each = one.group.iter().zip(&other.group);
            each.map(|(one, other)| order(one, other)).fold(Ordering::Equal, Ordering::then)
        });
    }

    /// Computes in this process, from the records that a store finds: for stores that cannot do it themselves.
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and of the store, and a sum that is too large: a 400.
    pub async fn over_find<S: Store + ?Sized>(
        &self,
        store: &S,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<AggregateRow>> {
        let mut totals = Totals::new(self, store.schema())?;
        let matching = Query { filter: query.filter.clone(), ..Query::default() };
        for record in store.find(&matching, context).await?.records {
            totals.add(&*record);
        }
        totals.finish()
    }
}

fn type_of(field: &str, schema: &Schema) -> Result<DataType> {
    let known = schema.index(field).and_then(|index| schema.fields.get(index));
    known.map(|known| known.data_type).ok_or_else(|| Error::bad_request(format!("there is no field '{field}'")))
}

fn check_scalar(field: &str, schema: &Schema) -> Result<()> {
    use DataType::{Boolean, Integer, Number, String};
    match type_of(field, schema)? {
        Boolean | Integer | Number | String => Ok(()),
        _ => Err(Error::bad_request(format!("'{field}' is no boolean, number or text, and is in no order"))),
    }
}

/// An aggregate that is being computed.
pub(crate) struct Totals {
    groups: Vec<FieldPath>,
    cells: Vec<(Cell, Option<FieldPath>)>,
    rows: Vec<(Vec<FieldValue>, Vec<Cell>)>,
    /// Where the row of each group is.
    known: HashMap<String, usize>,
}

/// One value of one row, so far.
#[derive(Clone)]
enum Cell {
    Count(i64),
    Sum(Sum),
    Min(Option<FieldValue>),
    Max(Option<FieldValue>),
}

/// A sum of whole numbers, which is exact, and of others, with what is lost by rounding.
#[derive(Clone, Copy, Default)]
struct Sum {
    field: usize,
    whole: i128,
    float: f64,
    lost: f64,
    is_float: bool,
}

impl Totals {
    pub(crate) fn new(aggregate: &Aggregate, schema: &Schema) -> Result<Self> {
        aggregate.check(schema)?;
        let path = |field: &Arc<str>| FieldPath::new(field, schema);
        let is_float = |field: &str| type_of(field, schema).is_ok_and(|kind| kind == DataType::Number);
        let cell = |(index, measure): (usize, &Measure)| match measure {
            Measure::Count => (Cell::Count(0), None),
            Measure::Sum(field) => {
                let sum = Sum { field: index, is_float: is_float(field), ..Sum::default() };
                (Cell::Sum(sum), Some(path(field)))
            }
            Measure::Min(field) => (Cell::Min(None), Some(path(field))),
            Measure::Max(field) => (Cell::Max(None), Some(path(field))),
        };
        let mut totals = Self {
            groups: aggregate.groups.iter().map(path).collect(),
            cells: aggregate.measures.iter().enumerate().map(cell).collect(),
            rows: Vec::new(),
            known: HashMap::new(),
        };
        if totals.groups.is_empty() {
            totals.row(Vec::new(), String::new());
        }
        Ok(totals)
    }

    fn row(&mut self, group: Vec<FieldValue>, key: String) -> usize {
        let place = self.rows.len();
        self.rows.push((group, self.cells.iter().map(|(cell, _)| cell.clone()).collect()));
        self.known.insert(key, place);
        place
    }

    pub(crate) fn add<R: Record>(&mut self, record: &R) {
        let mut key = String::new();
        for path in &self.groups {
            push_key(&mut key, &record.lookup(path));
        }
        let known = self.known.get(&key).copied();
        let place = known.unwrap_or_else(|| {
            let group = self.groups.iter().map(|path| plain(record.lookup(path)).into_owned()).collect();
            self.row(group, key)
        });
        let Some((_, cells)) = self.rows.get_mut(place) else { return };
        for (cell, (_, path)) in cells.iter_mut().zip(&self.cells) {
            cell.add(path.as_ref().map_or(FieldRef::Null, |path| plain(record.lookup(path))));
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<AggregateRow>> {
        let names: Vec<&str> = self.cells.iter().map(|(_, path)| path.as_ref().map_or("", FieldPath::name)).collect();
        let finish = |(group, cells): (Vec<FieldValue>, Vec<Cell>)| {
            let values = cells.into_iter().map(|cell| cell.finish(&names)).collect::<Result<_>>()?;
            Ok(AggregateRow { group, values })
        };
        let mut rows = self.rows.into_iter().map(finish).collect::<Result<Vec<_>>>()?;
        Aggregate::sort(&mut rows);
        Ok(rows)
    }
}

/// Makes the two zeros one.
fn plain(value: FieldRef<'_>) -> FieldRef<'_> {
    match value {
        FieldRef::Float(number) => FieldRef::Float(number + 0.0),
        other => other,
    }
}

/// Writes a value so that equal ones are written alike, and no others.
fn push_key(key: &mut String, value: &FieldRef<'_>) {
    let value = plain(value.clone()).into_owned();
    key.push(match &value {
        // A whole number and its float are equal.
        FieldValue::Int(_) | FieldValue::Float(_) => '0',
        other => other.type_letter(),
    });
    let text = match value {
        FieldValue::Int(number) => number.to_string(),
        FieldValue::Float(number) => number.to_string(),
        other => other.to_json().to_string(),
    };
    key.push_str(&text);
    key.push('\u{0}');
}

impl Cell {
    fn add(&mut self, value: FieldRef<'_>) {
        match self {
            Self::Count(count) => *count += 1,
            Self::Sum(sum) => sum.add(&value),
            Self::Min(least) => keep(least, value, Ordering::Less),
            Self::Max(most) => keep(most, value, Ordering::Greater),
        }
    }

    fn finish(self, names: &[&str]) -> Result<FieldValue> {
        Ok(match self {
            Self::Count(count) => FieldValue::Int(count),
            Self::Sum(sum) => sum.finish(names)?,
            Self::Min(value) | Self::Max(value) => value.unwrap_or_default(),
        })
    }
}

fn keep(kept: &mut Option<FieldValue>, value: FieldRef<'_>, wanted: Ordering) {
    if value == FieldRef::Null {
        return;
    }
    if kept.as_ref().is_none_or(|kept| compare(&value, &kept.borrowed()) == wanted) {
        *kept = Some(value.into_owned());
    }
}

impl Sum {
    fn add(&mut self, value: &FieldRef<'_>) {
        match value {
            FieldRef::Int(number) => self.whole += i128::from(*number),
            FieldRef::Float(number) => {
                self.is_float = true;
                // What is lost by rounding is added at the end (Neumaier).
                let sum = self.float + number;
                self.lost += if self.float.abs() >= number.abs() {
                    (self.float - sum) + number
                } else {
                    (number - sum) + self.float
                };
                self.float = sum;
            }
            _ => {}
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a sum of floats is one")]
    fn finish(self, names: &[&str]) -> Result<FieldValue> {
        let name = names.get(self.field).copied().unwrap_or_default();
        if self.is_float {
            return Aggregate::finite_sum(name, self.float + self.lost + self.whole as f64);
        }
        Aggregate::whole_sum(name, self.whole)
    }
}

fn too_large(field: &str) -> Error {
    Error::bad_request(format!("the sum of '{field}' is too large for a number"))
}
