//! The typed table: records as rows of values.

use std::marker::PhantomData;
use std::sync::Arc;

use feathers_core::{Change, Columns, DataType, Id, Result, Schema};

use crate::statement::Statements;
use crate::value::{self, Value};

/// The records of one type in one table.
#[derive(Debug)]
pub(super) struct Table<R> {
    pub(super) schema: Schema,
    pub(super) statements: Statements,
    records: PhantomData<fn() -> R>,
}

impl<R: Columns> Table<R> {
    pub(super) fn new(schema: Schema, statements: Statements) -> Self {
        Self { schema, statements, records: PhantomData }
    }

    /// Describes a change of one record.
    pub(super) fn image(&self, before: Option<&Arc<R>>, after: Option<&Arc<R>>) -> Change {
        Change::new(self.schema.id, before.cloned(), after.cloned())
    }

    /// Returns the value of an id in the table; `None` if no record can have it.
    pub(super) fn key(&self, id: &Id) -> Option<Value> {
        match self.schema.id_type() {
            Some(DataType::Integer) => id.as_int().map(Value::Integer),
            _ => Some(Value::Text(id.to_string())),
        }
    }

    /// Makes the values of a new row; without an id in the data this makes a text, and leaves a number to the counter.
    pub(super) fn new_row(&self, data: R::Draft) -> Result<Vec<Value>> {
        let name = self.schema.id;
        let given = R::data_id(&data, name);
        let number = given.is_none() && self.schema.id_type() == Some(DataType::Integer);
        let id = match given {
            Some(id) => id,
            None if number => Id::Int(0),
            None => uuid::Uuid::now_v7().into(),
        };
        let (_, mut values) = self.row(&R::create(data, name, &id)?, false)?;
        if number
            && let Some(id) = self.schema.index(name)
            && let Some(value) = values.get_mut(id)
        {
            *value = Value::Null;
        }
        Ok(values)
    }

    /// Returns the columns of a record and their values.
    pub(super) fn row(&self, record: &R, without_id: bool) -> Result<(Vec<usize>, Vec<Value>)> {
        let fields = self.schema.fields.iter().enumerate();
        let fields = fields.filter(|(_, field)| !(without_id && field.name == self.schema.id));
        fields.map(|(index, field)| Ok((index, value::store(field, &record.field(index))?))).collect()
    }
}
