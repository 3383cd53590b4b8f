//! Statements: SQL texts by their shape. Values of a call are never part of a text, they are always bound.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use feathers_core::{DataType, Field, Order};
use sea_query::{Alias, CaseStatement, DeleteStatement, Expr, ExprTrait, Func, InsertStatement, QueryStatement};
use sea_query::{Returning, ReturningClause, SelectStatement, UpdateStatement, WindowStatement};

use crate::aggregate::Column;
use crate::predicate::Predicate;

/// How many texts are kept; shapes come from clients, so they are bounded.
const TEXTS: usize = 512;

/// What a statement does; a column is the index of a field, or of a folded text behind all fields. All but the count return whole rows: the columns in the order of the schema, then the place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// Inserts one row. Values: one per column.
    Insert,
    /// Reads rows. Values: the predicate's, then limit and offset if there is a window.
    Select { predicate: Predicate, order: Vec<(usize, Direction)>, window: bool },
    /// Reads the first rows for each value of a column, and says how many there are. Values: the predicate's, then how
    /// many for each value, and how many at all.
    PerKey { predicate: Predicate, column: usize, order: Vec<(usize, Direction)>, total: bool },
    /// Reads one row. Values: the place or the id.
    Get(Key),
    /// Reads the largest id below a number. Values: the number, then a limit of one.
    Largest,
    /// Counts rows. Values: the predicate's.
    Count(Predicate),
    /// Computes of rows, group by group. Values: the predicate's.
    Aggregate { groups: Vec<usize>, columns: Vec<Column>, predicate: Predicate },
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

/// Writes the text of a statement as one database reads it.
pub(super) type Dialect = fn(&QueryStatement) -> String;

/// The SQL texts for one table.
#[derive(Debug)]
pub(super) struct Statements {
    dialect: Dialect,
    table: String,
    fields: &'static [Field],
    id: &'static str,
    /// The column of the place: the id if it is a number, else one that the database has by itself.
    place: &'static str,
    /// The columns with folded texts, which come after the fields in what is written, and are never read.
    folded: Vec<String>,
    texts: RwLock<HashMap<Shape, Arc<str>>>,
}

impl Statements {
    pub(super) fn new(
        dialect: Dialect,
        table: String,
        fields: &'static [Field],
        id: &'static str,
        place: &'static str,
    ) -> Self {
        Self { dialect, table, fields, id, place, folded: Vec::new(), texts: RwLock::default() }
    }

    /// Sets the columns with folded texts.
    pub(super) fn with_folded(self, folded: Vec<String>) -> Self {
        Self { folded, ..self }
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    /// Returns the text of a statement; it is written once per shape.
    pub(super) fn text(&self, shape: &Shape) -> Arc<str> {
        if let Some(text) = self.texts.read().unwrap_or_else(PoisonError::into_inner).get(shape) {
            return text.clone();
        }
        let text: Arc<str> = (self.dialect)(&self.statement(shape)).into();
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= TEXTS {
            texts.clear();
        }
        texts.insert(shape.clone(), text.clone());
        text
    }

    fn statement(&self, shape: &Shape) -> QueryStatement {
        let table = || Alias::new(&self.table);
        match shape {
            Shape::Insert => {
                let mut insert = InsertStatement::new();
                let columns = 0..self.fields.len() + self.folded.len();
                insert.into_table(table()).columns(columns.clone().map(|column| self.column(column)));
                insert.values_panic(columns.map(|_| bound()));
                insert.returning(self.row());
                QueryStatement::Insert(insert)
            }
            Shape::Largest => {
                let mut select = SelectStatement::new();
                select.from(table()).column(Alias::new(self.id));
                select.and_where(Expr::col(Alias::new(self.id)).lt(bound()));
                select.order_by(Alias::new(self.id), sea_query::Order::Desc).limit(1);
                QueryStatement::Select(select)
            }
            Shape::Get(key) => QueryStatement::Select(self.select().and_where(self.key(*key)).take()),
            Shape::Select { predicate, order, window } => {
                let mut select = self.select();
                self.condition(predicate).map(|condition| select.and_where(condition));
                for (expression, direction) in self.order(order) {
                    select.order_by_expr(expression, direction);
                }
                if *window {
                    select.limit(0).offset(0);
                }
                QueryStatement::Select(select)
            }
            Shape::PerKey { predicate, column, order, total } => {
                QueryStatement::Select(self.per_key(predicate, *column, order, *total))
            }
            Shape::Count(predicate) => {
                let mut select = SelectStatement::new();
                select.from(table()).expr(Expr::cust("COUNT(*)"));
                self.condition(predicate).map(|condition| select.and_where(condition));
                QueryStatement::Select(select)
            }
            Shape::Aggregate { groups, columns, predicate } => self.aggregate(groups, columns, predicate),
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

    /// Returns what to order by; rows that are alike then are in the order of their places.
    fn order(&self, order: &[(usize, Direction)]) -> impl Iterator<Item = (Expr, sea_query::Order)> {
        let columns = order.iter().map(|(column, direction)| {
            let expression = match self.fields.get(*column).map(|field| field.data_type) {
                Some(DataType::Enum(words)) => positions(self.column(*column), words),
                _ => Expr::col(self.column(*column)),
            };
            match direction {
                Direction::Ascending => (expression, sea_query::Order::Asc),
                Direction::Descending => (expression, sea_query::Order::Desc),
            }
        });
        columns.chain([(Expr::col(Alias::new(self.place)), sea_query::Order::Asc)])
    }

    /// Numbers the rows of each value of a column, and reads those with the first numbers.
    ///
    /// No column has a name that begins with a dollar sign: it could not be asked for.
    fn per_key(
        &self,
        predicate: &Predicate,
        column: usize,
        order: &[(usize, Direction)],
        total: bool,
    ) -> SelectStatement {
        let (rank, all) = (Alias::new("$rank"), Alias::new("$total"));
        let of_key = || WindowStatement::partition_by(self.column(column));
        let mut ranking = of_key();
        for (expression, direction) in self.order(order) {
            ranking.order_by_expr(expression, direction);
        }
        let mut numbered = self.select();
        numbered.expr_window_as(Expr::cust("ROW_NUMBER()"), ranking, rank.clone());
        if total {
            numbered.expr_window_as(Expr::cust("COUNT(*)"), of_key(), all.clone());
        }
        self.condition(predicate).map(|condition| numbered.and_where(condition));
        numbered.and_where(Expr::col(self.column(column)).is_not_null());
        let mut select = SelectStatement::new();
        select.columns(self.names().map(Alias::new));
        if total {
            select.column(all);
        }
        select.from_subquery(numbered, Alias::new("$numbered"));
        select.and_where(Expr::col(rank.clone()).lte(bound()));
        select.order_by(self.column(column), sea_query::Order::Asc).order_by(rank, sea_query::Order::Asc).limit(0);
        select
    }

    fn aggregate(&self, groups: &[usize], columns: &[Column], predicate: &Predicate) -> QueryStatement {
        let mut select = SelectStatement::new();
        select.from(Alias::new(&self.table));
        for group in groups {
            select.column(self.column(*group)).group_by_col(self.column(*group));
        }
        let of = |index: &usize| Expr::col(self.column(*index));
        for column in columns {
            match column {
                Column::Count => select.expr(Expr::cust("COUNT(*)")),
                Column::WholeSum(index) => {
                    let (upper, lower) =
                        (of(index).right_shift(Expr::cust("32")), of(index).bit_and(Expr::cust("4294967295")));
                    select.expr(Func::sum(upper)).expr(Func::sum(lower))
                }
                Column::Sum(index) => select.expr(Func::sum(of(index))),
                Column::Min(index) => select.expr(Func::min(of(index))),
                Column::Max(index) => select.expr(Func::max(of(index))),
            };
        }
        self.condition(predicate).map(|condition| select.and_where(condition));
        QueryStatement::Select(select)
    }

    fn update(&self, columns: &[usize], condition: Option<Expr>) -> QueryStatement {
        let mut update = UpdateStatement::new();
        update.table(Alias::new(&self.table));
        update.values(columns.iter().map(|column| (self.column(*column), bound())));
        if let Some(version) = self.fields.iter().find(|field| field.version) {
            update.value(Alias::new(version.name), Expr::col(Alias::new(version.name)).add(Expr::cust("1")));
        }
        update.and_where_option(condition);
        update.returning(self.row());
        QueryStatement::Update(update)
    }

    fn delete(&self, condition: Option<Expr>) -> QueryStatement {
        let mut delete = DeleteStatement::new();
        delete.from_table(Alias::new(&self.table)).and_where_option(condition).returning(self.row());
        QueryStatement::Delete(delete)
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
        match self.fields.get(index) {
            Some(field) => Alias::new(field.name),
            None => Alias::new(self.folded.get(index - self.fields.len()).map_or("", String::as_str)),
        }
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
            Predicate::Compare(index, operator) => operator.between(column(index), bound()),
            Predicate::In(index, count) => column(index).is_in(values(count)),
            Predicate::NotIn(index, count) => column(index).is_not_in(values(count)),
        })
    }
}

/// Writes the positions of the words of an enum, by which it is ordered.
fn positions(column: Alias, words: &[&str]) -> Expr {
    let column = Expr::col(column);
    let positions = words.iter().zip(0_i64..);
    let case = positions.fold(CaseStatement::new(), |case, (word, position)| {
        case.case(column.clone().eq(Expr::cust(quoted(word))), Expr::cust(position.to_string()))
    });
    case.into()
}

/// Writes a text of the schema as SQL does.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A place for a value that is bound when the statement runs.
fn bound() -> Expr {
    Expr::val(0)
}
