//! Constraints as a table has them: columns with folded texts, and indexes.

use feathers_core::{Schema, Unique};

/// A column that holds the text of a field without its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folded {
    /// The index of the field.
    pub(super) field: usize,
    pub(super) column: String,
}

/// An index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) columns: Vec<String>,
    pub(super) is_unique: bool,
}

/// Returns the columns with folded texts, in the order of the fields.
pub(super) fn folded(schema: &Schema) -> Vec<Folded> {
    let unique = schema.constraints.unique;
    let fields = schema.fields.iter().enumerate();
    let fields = fields.filter(|(_, field)| unique.iter().any(|unique| unique.folds(field.name, schema)));
    fields.map(|(index, field)| Folded { field: index, column: folded_name(field.name) }).collect()
}

/// Returns the indexes that a table needs; a reference has one.
pub(super) fn indexes(schema: &Schema) -> Vec<Index> {
    let unique = schema.constraints.unique.iter();
    let unique = unique.map(|unique| Index { columns: columns(unique, schema), is_unique: true });
    let plain = schema
        .constraints
        .indexes
        .iter()
        .map(|fields| Index { columns: fields.iter().map(|field| (*field).to_owned()).collect(), is_unique: false });
    let mut indexes: Vec<Index> = unique.chain(plain).collect();
    for reference in schema.constraints.references {
        if indexes.iter().all(|index| index.columns.first().is_none_or(|first| first != reference.field)) {
            indexes.push(Index { columns: vec![reference.field.to_owned()], is_unique: false });
        }
    }
    indexes
}

/// Returns the columns whose values are unique together.
fn columns(unique: &Unique, schema: &Schema) -> Vec<String> {
    let name = |field: &&str| if unique.folds(field, schema) { folded_name(field) } else { (*field).to_owned() };
    unique.fields.iter().map(name).collect()
}

/// Finds the constraint whose columns these are.
pub(super) fn of_columns(found: &[&str], schema: &Schema) -> Option<&'static Unique> {
    let same = |unique: &&Unique| {
        let columns = columns(unique, schema);
        columns.len() == found.len()
            && columns.iter().all(|name| found.iter().any(|own| own.eq_ignore_ascii_case(name)))
    };
    schema.constraints.unique.iter().find(same)
}

fn folded_name(field: &str) -> String {
    format!("{field}_folded")
}

impl Index {
    /// Returns its name in the database.
    pub(super) fn name(&self, table: &str) -> String {
        let kind = if self.is_unique { "unique" } else { "index" };
        format!("{table}_{}_{kind}", self.columns.join("_"))
    }
}
