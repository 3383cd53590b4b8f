//! A record as the derive would write it, by hand: one field of each kind, hidden, read-only and with rules.

use feathers_core::{
    DataType, Error, Field, FieldPath, FieldRef, FieldType, FieldValue, Id, Record, Result, Rule, Schema, lookup_inside,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    id: i64,
    n: f64,
    name: String,
    age: Option<i64>,
    open: bool,
    mail: Option<String>,
    meta: Value,
    secret: String,
    made: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemData {
    id: Option<i64>,
    n: f64,
    name: String,
    age: Option<i64>,
    #[serde(default)]
    open: bool,
    mail: Option<String>,
    #[serde(default)]
    meta: Value,
    #[serde(default)]
    secret: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemPatch {
    #[serde(rename = "id")]
    _id: Option<i64>,
    n: Option<f64>,
    name: Option<String>,
    secret: Option<String>,
}

const FIELDS: &[Field] = &[
    Field::new("id", DataType::Integer),
    Field::new("n", DataType::Number).rules(&[Rule::Minimum(0.0), Rule::ExclusiveMaximum(1000.0)]),
    Field::new("name", DataType::String).rules(&[Rule::MinLength(1), Rule::MaxLength(5)]),
    Field::new("age", DataType::Integer).nullable(true),
    Field::new("open", DataType::Boolean).optional(),
    Field::new("mail", DataType::String).nullable(true).rules(&[Rule::Email]),
    Field::new("meta", DataType::Json).nullable(true),
    Field::new("secret", DataType::String).optional().hidden(),
    Field::new("made", DataType::Integer).server(),
];

impl Record for Item {
    type Data = ItemData;
    type Patch = ItemPatch;
    type Draft = ItemData;
    type PatchDraft = ItemPatch;

    fn schema() -> Schema {
        Schema::new("Item", "id", FIELDS, "")
    }

    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a> {
        path.index().map_or(FieldRef::Null, |index| lookup_inside(self.field(index), path))
    }

    fn field(&self, index: usize) -> FieldRef<'_> {
        match index {
            0 => self.id.to_field(),
            1 => self.n.to_field(),
            2 => self.name.to_field(),
            3 => self.age.to_field(),
            4 => self.open.to_field(),
            5 => self.mail.to_field(),
            6 => self.meta.to_field(),
            7 => self.secret.to_field(),
            _ => self.made.to_field(),
        }
    }

    fn id(&self, _name: &str) -> Option<Id> {
        Some(self.id.into())
    }

    fn data_id(data: &ItemData, _name: &str) -> Option<Id> {
        data.id.map(Id::Int)
    }

    fn data_fields(data: &ItemData) -> Vec<(usize, FieldRef<'_>)> {
        vec![(1, data.n.to_field()), (2, data.name.to_field()), (5, data.mail.to_field())]
    }

    fn create(data: ItemData, _name: &str, id: &Id) -> Result<Self> {
        let ItemData { n, name, age, open, mail, meta, secret, .. } = data;
        let id = id.as_int().ok_or_else(|| Error::bad_request("no number"))?;
        Ok(Self { id, n, name, age, open, mail, meta, secret, made: 7 })
    }

    fn changes(patch: &ItemPatch) -> Vec<(usize, FieldValue)> {
        let n = patch.n.map(|n| (1, FieldValue::Float(n)));
        let name = patch.name.as_deref().map(|name| (2, FieldValue::Text(name.into())));
        let secret = patch.secret.as_deref().map(|secret| (7, FieldValue::Text(secret.into())));
        [n, name, secret].into_iter().flatten().collect()
    }

    fn apply(&mut self, _name: &str, patch: &ItemPatch) -> Result<()> {
        self.n = patch.n.unwrap_or(self.n);
        self.name = patch.name.clone().unwrap_or_else(|| self.name.clone());
        self.secret = patch.secret.clone().unwrap_or_else(|| self.secret.clone());
        Ok(())
    }
}
