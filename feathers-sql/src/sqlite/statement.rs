//! Statements: SQL texts by their shape. Values are never part of a text, they are always bound.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use feathers_core::{Field, Order};
use sea_query::{Alias, DeleteStatement, Expr, ExprTrait, InsertStatement, Returning, ReturningClause};
use sea_query::{SelectStatement, SqliteQueryBuilder, UpdateStatement};

use crate::sqlite::predicate::{Operator, Predicate};

/// How many texts are kept; shapes come from clients, so they are bounded.
const TEXTS: usize = 512;

/// What a statement does. All but the count return whole rows: the columns in the order of the schema, then the place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// Inserts one row. Values: one per column.
    Insert,
    /// Reads rows. Values: the predicate's, then limit and offset if there is a window.
    Select { predicate: Predicate, order: Vec<(usize, Direction)>, window: bool },
    /// Reads one row. Values: the place or the id.
    Get(Key),
    /// Reads the largest id below a number. Values: the number, then a limit of one.
    Largest,
    /// Counts rows. Values: the predicate's.
    Count(Predicate),
    /// Changes columns of many rows. Values: one per column, then the predicate's.
    UpdateAll(Vec<usize>, Predicate),
    /// Changes columns of one row. Values: one per column, then the place or the id.
    Update(Vec<usize>, Key),
    /// Deletes rows. Values: the predicate's.
    DeleteAll(Predicate),
    /// Deletes one row. Values: the place or the id.
    Delete(Key),
}

/// How one row is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// By its place in the table, which is the order of creation.
    Place,
    /// By its id.
    Id,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

impl From<Order> for Direction {
    fn from(order: Order) -> Self {
        match order {
            Order::Ascending => Self::Ascending,
            Order::Descending => Self::Descending,
        }
    }
}

/// The SQL texts for one table.
#[derive(Debug)]
pub(super) struct Statements {
    table: String,
    fields: &'static [Field],
    id: &'static str,
    /// The column of the place: the id if it is a number, else one of SQLite's own names.
    place: &'static str,
    texts: RwLock<HashMap<Shape, Arc<str>>>,
}

impl Statements {
    pub(super) fn new(table: String, fields: &'static [Field], id: &'static str, place: &'static str) -> Self {
        Self { table, fields, id, place, texts: RwLock::default() }
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// Returns the text of a statement; it is written once per shape.
    pub(super) fn text(&self, shape: &Shape) -> Arc<str> {
        if let Some(text) = self.texts.read().unwrap_or_else(PoisonError::into_inner).get(shape) {
            return text.clone();
        }
        let text: Arc<str> = self.write(shape).into();
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= TEXTS {
            texts.clear();
        }
        texts.insert(shape.clone(), text.clone());
        text
    }

    fn write(&self, shape: &Shape) -> String {
        let table = || Alias::new(&self.table);
        match shape {
            Shape::Insert => {
                let mut insert = InsertStatement::new();
                insert.into_table(table()).columns(self.fields.iter().map(|field| Alias::new(field.name)));
                insert.values_panic(self.fields.iter().map(|_| bound()));
                insert.returning(self.row());
                insert.build(SqliteQueryBuilder).0
            }
            Shape::Largest => {
                let mut select = SelectStatement::new();
                select.from(table()).column(Alias::new(self.id));
                select.and_where(Expr::col(Alias::new(self.id)).lt(bound()));
                select.order_by(Alias::new(self.id), sea_query::Order::Desc).limit(1);
                select.build(SqliteQueryBuilder).0
            }
            Shape::Get(key) => self.select().and_where(self.key(*key)).build(SqliteQueryBuilder).0,
            Shape::Select { predicate, order, window } => {
                let mut select = self.select();
                self.condition(predicate).map(|condition| select.and_where(condition));
                for (column, direction) in order {
                    let direction = match direction {
                        Direction::Ascending => sea_query::Order::Asc,
                        Direction::Descending => sea_query::Order::Desc,
                    };
                    select.order_by(self.column(*column), direction);
                }
                select.order_by(Alias::new(self.place), sea_query::Order::Asc);
                if *window {
                    select.limit(0).offset(0);
                }
                select.build(SqliteQueryBuilder).0
            }
            Shape::Count(predicate) => {
                let mut select = SelectStatement::new();
                select.from(table()).expr(Expr::cust("COUNT(*)"));
                self.condition(predicate).map(|condition| select.and_where(condition));
                select.build(SqliteQueryBuilder).0
            }
            Shape::UpdateAll(columns, predicate) => self.update(columns, self.condition(predicate)),
            Shape::Update(columns, key) => self.update(columns, Some(self.key(*key))),
            Shape::DeleteAll(predicate) => self.delete(self.condition(predicate)),
            Shape::Delete(key) => self.delete(Some(self.key(*key))),
        }
    }

    fn select(&self) -> SelectStatement {
        let mut select = SelectStatement::new();
        select.from(Alias::new(&self.table));
        select.columns(self.names().map(Alias::new));
        select
    }

    fn update(&self, columns: &[usize], condition: Option<Expr>) -> String {
        let mut update = UpdateStatement::new();
        update.table(Alias::new(&self.table));
        update.values(columns.iter().map(|column| (self.column(*column), bound())));
        update.and_where_option(condition);
        update.returning(self.row());
        update.build(SqliteQueryBuilder).0
    }

    fn delete(&self, condition: Option<Expr>) -> String {
        let mut delete = DeleteStatement::new();
        delete.from_table(Alias::new(&self.table)).and_where_option(condition).returning(self.row());
        delete.build(SqliteQueryBuilder).0
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().map(|field| field.name).chain([self.place])
    }

    fn row(&self) -> ReturningClause {
        Returning::new().columns(self.names().map(Alias::new))
    }

    fn key(&self, key: Key) -> Expr {
        let column = match key {
            Key::Place => self.place,
            Key::Id => self.id,
        };
        Expr::col(Alias::new(column)).eq(bound())
    }

    fn column(&self, index: usize) -> Alias {
        Alias::new(self.fields.get(index).map_or("", |field| field.name))
    }

    /// Writes a predicate; `None` is every row.
    fn condition(&self, predicate: &Predicate) -> Option<Expr> {
        let column = |index: &usize| Expr::col(self.column(*index));
        let values = |count: &usize| std::iter::repeat_with(bound).take(*count);
        Some(match predicate {
            Predicate::Always => return None,
            Predicate::Never => Expr::cust("FALSE"),
            Predicate::All(parts) => parts.iter().filter_map(|part| self.condition(part)).reduce(ExprTrait::and)?,
            Predicate::Any(parts) => parts.iter().filter_map(|part| self.condition(part)).reduce(ExprTrait::or)?,
            Predicate::Null(index) => column(index).is_null(),
            Predicate::NotNull(index) => column(index).is_not_null(),
            Predicate::Compare(index, operator) => {
                let column = column(index);
                match operator {
                    Operator::Equal => column.eq(bound()),
                    Operator::NotEqual => column.ne(bound()),
                    Operator::Less => column.lt(bound()),
                    Operator::LessOrEqual => column.lte(bound()),
                    Operator::Greater => column.gt(bound()),
                    Operator::GreaterOrEqual => column.gte(bound()),
                }
            }
            Predicate::In(index, count) => column(index).is_in(values(count)),
            Predicate::NotIn(index, count) => column(index).is_not_in(values(count)),
        })
    }
}

/// A place for a value that is bound when the statement runs.
fn bound() -> Expr {
    Expr::val(0)
}

#[cfg(test)]
mod tests {
    use super::{Direction, Key, Shape, Statements};
    use crate::sqlite::predicate::{Operator, Predicate};
    use feathers_core::{DataType, Field};

    const FIELDS: &[Field] = &[
        Field::new("id", DataType::Integer),
        Field::new("text", DataType::String),
        Field::new("a\"; DROP TABLE x--", DataType::Boolean),
    ];

    fn check(shape: &Shape, expected: &str) {
        let statements = Statements::new("to\"do".into(), FIELDS, "id", "id");
        assert_eq!(&*statements.text(shape), expected);
        assert_eq!(&*statements.text(shape), expected, "from the cache");
    }

    #[test]
    fn texts() {
        let row = r#""id", "text", "a""; DROP TABLE x--", "id""#;
        check(&Shape::Get(Key::Id), &format!(r#"SELECT {row} FROM "to""do" WHERE "id" = ?"#));
        check(
            &Shape::Insert,
            &format!(r#"INSERT INTO "to""do" ("id", "text", "a""; DROP TABLE x--") VALUES (?, ?, ?) RETURNING {row}"#),
        );
        check(
            &Shape::Update(vec![1, 2], Key::Place),
            &format!(r#"UPDATE "to""do" SET "text" = ?, "a""; DROP TABLE x--" = ? WHERE "id" = ? RETURNING {row}"#),
        );
        check(&Shape::DeleteAll(Predicate::Always), &format!(r#"DELETE FROM "to""do" RETURNING {row}"#));
        check(&Shape::Largest, r#"SELECT "id" FROM "to""do" WHERE "id" < ? ORDER BY "id" DESC LIMIT ?"#);
        check(&Shape::Count(Predicate::Never), r#"SELECT COUNT(*) FROM "to""do" WHERE FALSE"#);
        check(
            &Shape::Select {
                predicate: Predicate::All(vec![
                    Predicate::Any(vec![Predicate::Compare(1, Operator::NotEqual), Predicate::Null(1)]),
                    Predicate::In(0, 4),
                    Predicate::NotNull(2),
                ]),
                order: vec![(1, Direction::Descending)],
                window: true,
            },
            &format!(
                r#"SELECT {row} FROM "to""do" WHERE ("text" <> ? OR "text" IS NULL) AND "id" IN (?, ?, ?, ?) AND "a""; DROP TABLE x--" IS NOT NULL ORDER BY "text" DESC, "id" ASC LIMIT ? OFFSET ?"#
            ),
        );
    }
}
