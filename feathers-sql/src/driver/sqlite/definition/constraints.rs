//! Constraints of tables: made with the table, or looked for in one that is there.

use feathers_core::{Error, Schema};
use rusqlite::Connection;
use sea_query::{Alias, SqliteQueryBuilder};

use super::Column;
use crate::constraint::{self, Index};
use crate::driver::sqlite::failure::Outcome;

/// Refuses a schema whose folded texts would be in the column of a field.
pub(super) fn check(schema: &Schema) -> Outcome<()> {
    let taken = |column: &str| schema.fields.iter().any(|field| field.name.eq_ignore_ascii_case(column));
    match constraint::folded(schema).into_iter().find(|folded| taken(&folded.column)) {
        Some(folded) => {
            let (name, column) = (schema.name, folded.column);
            let text =
                format!("{name} cannot be stored: column '{column}' is for a text without its case, and a field");
            Err(Error::general(text).into())
        }
        None => Ok(()),
    }
}

/// Makes the indexes of a new table, the last one first: SQLite looks at the newest first, so that the error is of the
/// first that is broken.
pub(super) fn create(connection: &Connection, table: &str, schema: &Schema) -> Outcome<()> {
    for index in constraint::indexes(schema).into_iter().rev() {
        connection.execute(&create_index(table, &index), ())?;
    }
    Ok(())
}

/// Looks for what a table that is there must have, and says what would make it.
pub(super) fn compare(
    connection: &Connection,
    table: &str,
    columns: &[Column],
    schema: &Schema,
    problems: &mut Vec<String>,
) -> Outcome<()> {
    for folded in constraint::folded(schema) {
        let field = schema.fields.get(folded.field).map_or("", |field| field.name);
        match columns.iter().find(|column| column.name.eq_ignore_ascii_case(&folded.column)) {
            None => problems.push(format!(
                "column '{}' is missing, in which '{field}' stands without its case: ALTER TABLE {} ADD COLUMN {} text, and \
                 write there what `fold_case` makes of it",
                folded.column,
                quoted(table),
                quoted(&folded.column),
            )),
            Some(column) if column.not_null || column.generated => {
                problems.push(format!("column '{}' must be a plain text that can be NULL", folded.column));
            }
            Some(_) => {}
        }
    }
    let existing = indexes(connection, table)?;
    for index in constraint::indexes(schema) {
        if existing.iter().any(|own| own.serves(&index)) {
            continue;
        }
        let what = if index.is_unique { "are not unique" } else { "have no index" };
        let columns = index.columns.iter().map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
        let what = match (index.columns.as_slice(), index.is_unique) {
            ([_], true) => "is not unique",
            ([_], false) => "has no index",
            _ => what,
        };
        problems.push(format!("{columns} {what}: {}", create_index(table, &index)));
    }
    Ok(())
}

fn create_index(table: &str, index: &Index) -> String {
    let mut create = sea_query::Index::create();
    create.name(index.name(table)).table(Alias::new(table));
    for column in &index.columns {
        create.col(Alias::new(column));
    }
    if index.is_unique {
        create.unique();
    }
    create.build(SqliteQueryBuilder)
}

/// An index as it is in the database.
struct Existing {
    is_unique: bool,
    columns: Vec<String>,
}

impl Existing {
    /// Tells whether it does what an index is for: a plain one may have more columns behind.
    fn serves(&self, wanted: &Index) -> bool {
        let same = |columns: &[String]| {
            columns.iter().zip(&wanted.columns).all(|(own, wanted)| own.eq_ignore_ascii_case(wanted))
        };
        if !wanted.is_unique {
            return self.columns.len() >= wanted.columns.len() && same(&self.columns);
        }
        let has = |name: &String| self.columns.iter().any(|own| own.eq_ignore_ascii_case(name));
        self.is_unique && self.columns.len() == wanted.columns.len() && wanted.columns.iter().all(has)
    }
}

/// Reads the indexes of whole tables that compare texts as they are.
fn indexes(connection: &Connection, table: &str) -> Outcome<Vec<Existing>> {
    let sql = r#"SELECT name, "unique" FROM pragma_index_list(?) WHERE partial = 0"#;
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([table], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)))?;
    let mut indexes = Vec::new();
    for found in found {
        let (name, is_unique) = found?;
        let sql = r#"SELECT name, coll FROM pragma_index_xinfo(?) WHERE "key" = 1 ORDER BY seqno"#;
        let mut statement = connection.prepare(sql)?;
        let columns = statement
            .query_map([&name], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        // An expression has no name.
        let plain = columns.iter().all(|(name, collation)| name.is_some() && collation.as_deref() == Some("BINARY"));
        if plain {
            indexes.push(Existing { is_unique, columns: columns.into_iter().filter_map(|(name, _)| name).collect() });
        }
    }
    Ok(indexes)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
