//! The typed table: records as rows of values.

use std::marker::PhantomData;
use std::sync::Arc;

use feathers_core::{Change, Columns, DataType, Id, Result, Schema, StoreId, fold_case};

use crate::constraint::{self, Folded};
use crate::statement::Statements;
use crate::value::{self, Value};

/// The records of one type in one table.
#[derive(Debug)]
pub(super) struct Table<R> {
    pub(super) schema: Schema,
    pub(super) statements: Statements,
    folded: Vec<Folded>,
    /// The tables to which the references are.
    pub(super) targets: Vec<String>,
    /// The number of its store among those of the database.
    pub(super) number: usize,
    pub(super) store: StoreId,
    records: PhantomData<fn() -> R>,
}

impl<R: Columns> Table<R> {
    pub(super) fn new(
        schema: Schema,
        statements: Statements,
        targets: Vec<String>,
        (number, store): (usize, StoreId),
    ) -> Self {
        let folded = constraint::folded(&schema);
        Self { schema, statements, folded, targets, number, store, records: PhantomData }
    }

    /// Tells whether its records refer to others.
    pub(super) fn refers(&self) -> bool {
        !self.schema.constraints.references.is_empty()
    }

    /// Describes a change of one record.
    pub(super) fn image(&self, before: Option<&Arc<R>>, after: Option<&Arc<R>>) -> Change {
        Change::new(self.schema.id, before.cloned(), after.cloned())
    }

    /// Returns the value of an id in the table; `None` if no record can have it.
    pub(super) fn key(&self, id: &Id) -> Option<Value> {
        match self.schema.id_type() {
            Some(DataType::Integer) => id.as_int().map(Value::Integer),
            Some(DataType::Uuid) => uuid::Uuid::try_parse(&id.to_string()).ok().map(|id| Value::Text(id.to_string())),
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

    /// Returns the columns of a record and their values; those of an update are without the id and the version.
    pub(super) fn row(&self, record: &R, updates: bool) -> Result<(Vec<usize>, Vec<Value>)> {
        let fields = self.schema.stored().iter().enumerate();
        let fields = fields.filter(|(_, field)| !(updates && (field.name == self.schema.id || field.version)));
        let row = fields.map(|(index, field)| Ok((index, value::store(field, &record.field(index))?)));
        Ok(self.fold(row.collect::<Result<_>>()?))
    }

    /// Adds the folded texts of the columns to them.
    pub(super) fn fold(&self, (mut columns, mut values): (Vec<usize>, Vec<Value>)) -> (Vec<usize>, Vec<Value>) {
        for (index, folded) in self.folded.iter().enumerate() {
            let place = columns.iter().position(|column| *column == folded.field);
            if let Some(value) = place.and_then(|place| values.get(place)) {
                let value = match value {
                    Value::Text(text) => Value::Text(fold_case(text)),
                    other => other.clone(),
                };
                columns.push(self.schema.stored().len() + index);
                values.push(value);
            }
        }
        (columns, values)
    }
}

/// Writes a type's name as one of a table: `TodoItem` becomes `todo_item`.
pub(super) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut chars = name.chars().peekable();
    let mut before = '_';
    while let Some(char) = chars.next() {
        let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts_word = char.is_uppercase() && before != '_' && (!before.is_uppercase() || next_is_small);
        if starts_word {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
        before = char;
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn table_names() {
        for (name, expected) in [
            ("Todo", "todo"),
            ("TodoItem", "todo_item"),
            ("HTTPRequest", "http_request"),
            ("UserV2", "user_v2"),
            ("already_snake", "already_snake"),
            ("", ""),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }
}
