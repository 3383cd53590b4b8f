//! Definitions of tables: created from a schema, or checked against it.

mod constraints;
mod references;

use feathers_core::{DataType, Error, Field, Schema};
use rusqlite::{Connection, OptionalExtension};
use sea_query::{Alias, ColumnDef, SqliteQueryBuilder, Table};

use crate::constraint;
use crate::driver::sqlite::dialect;
use crate::driver::sqlite::failure::Outcome;
use crate::driver::sqlite::numbers;
use crate::statement::Statements;

/// SQLite's names for the place of a row; a column of the same name hides one.
const PLACES: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// How SQLite converts what is stored in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

/// A column as it is in the database.
struct Column {
    name: String,
    declared: String,
    not_null: bool,
    default: bool,
    /// The position in the primary key, from 1; 0 is none.
    key: i64,
    generated: bool,
}

/// Makes sure that there is a table for the records, and returns the texts of its statements.
///
/// A table that does not fit is an error that names the columns.
///
/// `targets` are the tables to which its references are.
pub(super) fn prepare(connection: &Connection, name: &str, schema: &Schema, targets: &[String]) -> Outcome<Statements> {
    let id = schema
        .field(schema.id)
        .filter(|id| id.data_type == DataType::Integer || id.data_type.is_text_id())
        .ok_or_else(|| {
            Error::general(format!(
                "{} cannot be stored: its id '{}' must be a number, a text or a UUID",
                schema.name, schema.id
            ))
        })?;
    if let Some(field) = schema.stored().iter().find(|field| column_type(field.data_type).is_none()) {
        let (name, field, kind) = (schema.name, field.name, field.data_type.name());
        return Err(
            Error::general(format!("{name} cannot be stored: SQLite has no type for '{field}', a {kind}")).into()
        );
    }
    constraints::check(schema)?;
    let mut problems = Vec::new();
    let columns = if let Some(columns) = existing(connection, name, &mut problems)? {
        compare(&columns, schema, &mut problems);
        constraints::compare(connection, name, &columns, schema, &mut problems)?;
        references::compare(connection, name, schema, targets, &mut problems)?;
        columns
    } else {
        connection.execute(&create(name, schema, targets), ())?;
        constraints::create(connection, name, schema)?;
        Vec::new()
    };
    if !problems.is_empty() {
        let problems = problems.join("; ");
        return Err(Error::general(format!("table '{name}' does not fit {}: {problems}", schema.name)).into());
    }
    if id.data_type == DataType::Integer {
        numbers::prepare(connection, name)?;
    }
    let taken = |place: &str| {
        let names = columns.iter().map(|column| &*column.name).chain(schema.stored().iter().map(|field| field.name));
        names.into_iter().any(|name| name.eq_ignore_ascii_case(place))
    };
    let place = match id.data_type {
        DataType::Integer => id.name,
        _ => PLACES.into_iter().find(|place| !taken(place)).ok_or_else(|| {
            Error::general(format!("table '{name}' does not fit {}: it hides rowid, _rowid_ and oid", schema.name))
        })?,
    };
    let folded = constraint::folded(schema).into_iter().map(|folded| folded.column).collect();
    Ok(Statements::new(dialect::write, name.to_owned(), schema.stored(), id.name, place).with_folded(folded))
}

fn create(name: &str, schema: &Schema, targets: &[String]) -> String {
    let mut table = Table::create();
    table.table(Alias::new(name)).extra("STRICT");
    for field in schema.stored() {
        let mut column = ColumnDef::new(Alias::new(field.name));
        column.custom(column_type(field.data_type).map_or("any", |(declared, _)| declared));
        if field.name == schema.id {
            column.not_null().primary_key();
        } else if !field.nullable {
            column.not_null();
        }
        table.col(&mut column);
    }
    for folded in constraint::folded(schema) {
        table.col(ColumnDef::new(Alias::new(folded.column)).custom("text"));
    }
    references::add(&mut table, name, schema, targets);
    table.build(SqliteQueryBuilder)
}

/// Reads the columns of a table; `None` if there is no such table.
fn existing(connection: &Connection, name: &str, problems: &mut Vec<String>) -> Outcome<Option<Vec<Column>>> {
    let sql = "SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE";
    let found = connection.query_row(sql, [name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)));
    let Some((kind, without_rowid)) = found.optional()? else { return Ok(None) };
    if kind != "table" {
        problems.push(format!("it is a {kind}"));
    } else if without_rowid {
        problems.push("it is WITHOUT ROWID".to_owned());
    }
    let sql = r#"SELECT name, type, "notnull", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?)"#;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.query_map([name], |row| {
        Ok(Column {
            name: row.get(0)?,
            declared: row.get(1)?,
            not_null: row.get(2)?,
            default: row.get(3)?,
            key: row.get(4)?,
            generated: row.get::<_, i64>(5)? != 0,
        })
    })?;
    Ok(Some(columns.collect::<rusqlite::Result<_>>()?))
}

fn compare(columns: &[Column], schema: &Schema, problems: &mut Vec<String>) {
    for field in schema.stored() {
        match columns.iter().find(|column| column.name.eq_ignore_ascii_case(field.name)) {
            Some(column) => compare_column(column, field, field.name == schema.id, problems),
            None => problems.push(format!("column '{}' is missing", field.name)),
        }
    }
    for column in columns {
        let known = schema.stored().iter().any(|field| field.name.eq_ignore_ascii_case(&column.name));
        if !known && column.key > 0 {
            problems.push(format!("column '{}' belongs to the primary key and is no field", column.name));
        } else if !known && column.not_null && !column.default && !column.generated {
            problems.push(format!("column '{}' must be set and is no field", column.name));
        }
    }
}

fn compare_column(column: &Column, field: &Field, is_id: bool, problems: &mut Vec<String>) {
    let mut problem = |text: String| problems.push(format!("column '{}' {text}", column.name));
    let affinity = affinity(&column.declared);
    let (expected, fitting) = column_type(field.data_type).unwrap_or_default();
    // Only this very type makes the column of a number the place of the row.
    let is_place = is_id && field.data_type == DataType::Integer;
    if !fitting.contains(&affinity) || is_place && !column.declared.eq_ignore_ascii_case(expected) {
        let declared = if column.declared.is_empty() { "without a type" } else { &*column.declared };
        problem(format!("is {declared}, expected {}", expected.to_ascii_uppercase()));
    }
    match (is_id, column.key) {
        (true, 0) => problem("is not the primary key".to_owned()),
        (false, 1..) => problem("is the primary key, or part of it, and not the id".to_owned()),
        _ => {}
    }
    if !is_id && column.not_null && field.nullable {
        problem("is NOT NULL, but the field can be null".to_owned());
    }
    if !is_id && !column.not_null && !field.nullable {
        problem("can be NULL, but the field cannot".to_owned());
    }
    if column.generated {
        problem("is generated".to_owned());
    }
}

/// Returns the type of the column for a field, and the affinities of others that fit too; `None` if there is none.
fn column_type(data_type: DataType) -> Option<(&'static str, &'static [Affinity])> {
    Some(match data_type {
        DataType::Integer | DataType::Instant | DataType::Duration | DataType::Decimal(_) => {
            ("integer", &[Affinity::Integer])
        }
        DataType::Boolean => ("integer", &[Affinity::Integer, Affinity::Numeric]),
        DataType::Number => ("real", &[Affinity::Real, Affinity::Numeric]),
        DataType::String
        | DataType::Date
        | DataType::Time
        | DataType::Enum(_)
        | DataType::Uuid
        | DataType::List(_)
        | DataType::Object(_)
        | DataType::Json => ("text", &[Affinity::Text]),
        DataType::Bytes => ("blob", &[Affinity::Blob]),
        _ => return None,
    })
}

/// Returns the affinity of a declared type, by the rules in SQLite's documentation.
fn affinity(declared: &str) -> Affinity {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    if has(&["INT"]) {
        Affinity::Integer
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        Affinity::Text
    } else if declared.is_empty() || has(&["BLOB"]) {
        Affinity::Blob
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        Affinity::Real
    } else {
        Affinity::Numeric
    }
}
