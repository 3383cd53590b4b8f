//! References of tables: made with the table, or looked for in one that is there.
//!
//! None of them removes or changes a record: the store does, so that each has its event.

use feathers_core::Schema;
use rusqlite::Connection;
use sea_query::{Alias, ForeignKey, TableCreateStatement};

use crate::driver::sqlite::failure::Outcome;

/// Adds the references to a table that is made.
pub(super) fn add(table: &mut TableCreateStatement, name: &str, schema: &Schema, targets: &[String]) {
    for (reference, target) in schema.constraints.references.iter().zip(targets) {
        let mut key = ForeignKey::create();
        key.from(Alias::new(name), Alias::new(reference.field));
        key.to(Alias::new(target), Alias::new(reference.target().id));
        table.foreign_key(&mut key);
    }
}

/// Looks for the references that a table that is there must have.
pub(super) fn compare(
    connection: &Connection,
    table: &str,
    schema: &Schema,
    targets: &[String],
    problems: &mut Vec<String>,
) -> Outcome<()> {
    // Those of one column.
    let sql = r#"SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list(?1) AS keys
        WHERE NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(?1) AS other WHERE other.id = keys.id AND other.seq > 0)"#;
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([table], |row| {
        let to: Option<String> = row.get(2)?;
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, to, row.get::<_, String>(3)?))
    })?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    for (reference, target) in schema.constraints.references.iter().zip(targets) {
        let (field, id) = (reference.field, reference.target().id);
        let same = |(to, from, column, _): &&(String, String, Option<String>, String)| {
            from.eq_ignore_ascii_case(field)
                && to.eq_ignore_ascii_case(target)
                && column.as_ref().is_none_or(|column| column.eq_ignore_ascii_case(id))
        };
        match found.iter().find(same) {
            None => problems.push(format!(
                "'{field}' does not refer to '{target}': SQLite takes a reference when a table is made, so make it again with \
                 FOREIGN KEY (\"{field}\") REFERENCES \"{target}\" (\"{id}\")"
            )),
            Some((.., on_delete)) if on_delete != "NO ACTION" && on_delete != "RESTRICT" => problems.push(format!(
                "'{field}' refers to '{target}' with ON DELETE {on_delete}: the store changes what refers to a record, so that \
                 there is an event of it; make the table again without"
            )),
            Some(_) => {}
        }
    }
    Ok(())
}
