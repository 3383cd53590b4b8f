//! Aggregates: what SQLite computes of a table.

use feathers_core::{Aggregate, AggregateRow, Columns, Error, FieldValue, Filter};
use rusqlite::{Row, params_from_iter};

use crate::aggregate::{self, Column};
use crate::driver::sqlite::connection::Reader;
use crate::driver::sqlite::failure::{Failure, Outcome};
use crate::driver::sqlite::types;
use crate::plan::Plan;
use crate::statement::Shape;
use crate::table::Table;

impl<R: Columns> Table<R> {
    /// Returns the rows of an aggregate, in no order; `None` if the database cannot compute it exactly.
    pub(super) fn aggregate(
        &self,
        connection: &Reader,
        (wanted, filter): &(Aggregate, Filter),
    ) -> Outcome<Option<Vec<AggregateRow>>> {
        let plan = Plan::new(filter, &self.schema);
        let Some((groups, columns)) = aggregate::columns(wanted, &self.schema).filter(|_| plan.exact) else {
            return Ok(None);
        };
        let shape = Shape::Aggregate { groups: groups.clone(), columns: columns.clone(), predicate: plan.predicate };
        let mut statement = connection.prepare_cached(&self.statements.text(&shape))?;
        let mut rows = statement.query(params_from_iter(plan.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            connection.check()?;
            let mut cells = Cells { table: self, row, next: 0 };
            let group = groups.iter().map(|column| cells.field(*column)).collect::<Outcome<_>>()?;
            let values = columns.iter().map(|column| cells.value(*column)).collect::<Outcome<_>>()?;
            found.push(AggregateRow::new(group, values));
        }
        Ok(Some(found))
    }
}

/// The cells of one row, read one after the other.
struct Cells<'a, R> {
    table: &'a Table<R>,
    row: &'a Row<'a>,
    next: usize,
}

impl<R: Columns> Cells<'_, R> {
    fn place(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    /// Reads a value of a column.
    fn field(&mut self, column: usize) -> Outcome<FieldValue> {
        let place = self.place();
        let Some(field) = self.table.schema.fields.get(column) else { return Ok(FieldValue::Null) };
        Ok(match types::read(field, self.row.get_ref(place)?)? {
            // The two zeros are one.
            FieldValue::Float(number) => FieldValue::Float(number + 0.0),
            value => value,
        })
    }

    fn value(&mut self, column: Column) -> Outcome<FieldValue> {
        let table = self.table;
        let name = |column: usize| table.schema.fields.get(column).map_or("", |field| field.name);
        let sum = |sum: Result<FieldValue, Error>| sum.map_err(Failure::Error);
        match column {
            Column::Count => Ok(FieldValue::Int(self.row.get(self.place())?)),
            Column::WholeSum(column) => {
                let upper = self.row.get::<_, Option<i64>>(self.place())?.unwrap_or_default();
                let lower = self.row.get::<_, Option<i64>>(self.place())?.unwrap_or_default();
                let whole = (i128::from(upper) << 32) + i128::from(lower);
                sum(Aggregate::whole_sum(name(column), whole))
            }
            Column::Sum(column) => {
                let place = self.place();
                let float = self.row.get::<_, Option<f64>>(place)?.unwrap_or_default();
                sum(Aggregate::finite_sum(name(column), float))
            }
            Column::Min(column) | Column::Max(column) => self.field(column),
        }
    }
}
