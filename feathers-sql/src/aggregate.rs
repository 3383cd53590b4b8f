//! Aggregates in SQL: what of them a database computes by itself.

use feathers_core::{Aggregate, DataType, Measure, Schema};

/// What the statement of an aggregate selects, after the columns of its groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Column {
    /// The number of rows.
    Count,
    /// The sum of the upper halves of whole numbers, then that of the lower ones: neither overflows.
    WholeSum(usize),
    /// The sum of other numbers.
    Sum(usize),
    Min(usize),
    Max(usize),
}

/// Returns the columns of groups and the others, if the database has an exact type for all of them.
pub(super) fn columns(aggregate: &Aggregate, schema: &Schema) -> Option<(Vec<usize>, Vec<Column>)> {
    let known = |name: &str| {
        let index = schema.index(name)?;
        let kind = schema.fields.get(index)?.data_type;
        let is_exact = matches!(kind, DataType::Boolean | DataType::Integer | DataType::Number | DataType::String);
        is_exact.then_some((index, kind))
    };
    let groups = aggregate.groups().iter().map(|name| known(name).map(|(index, _)| index)).collect::<Option<_>>()?;
    let column = |measure: &Measure| {
        Some(match measure {
            Measure::Count => Column::Count,
            Measure::Sum(name) => match known(name)? {
                (index, DataType::Integer) => Column::WholeSum(index),
                (index, _) => Column::Sum(index),
            },
            Measure::Min(name) => Column::Min(known(name)?.0),
            Measure::Max(name) => Column::Max(known(name)?.0),
            _ => return None,
        })
    };
    Some((groups, aggregate.measures().iter().map(column).collect::<Option<_>>()?))
}
