//! A record with a field of every type, each of which can be `null`, for stores to show that they agree.

use feathers_core::{
    Columns, DataType, Error, Field, FieldPath, FieldRef, FieldValue, Id, Record, Result, Schema, lookup_inside,
    wrong_id,
};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};
use serde_json::{Map, Value};

/// A record with a field of every type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Everything {
    /// The id.
    pub id: i64,
    /// A value for each field of [`Everything::FIELDS`]; what is missing is `null`.
    pub values: Vec<FieldValue>,
}

/// A change of [`Everything`]: places in [`Everything::FIELDS`], and what they get.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EverythingPatch(pub Vec<(usize, FieldValue)>);

const WORDS: &[&str] = &["low", "normal", "urgent"];

const ALL: &[Field] = &[
    Field::new("id", DataType::Integer).optional(),
    Field::new("boolean", DataType::Boolean).nullable(true),
    Field::new("integer", DataType::Integer).nullable(true),
    Field::new("number", DataType::Number).nullable(true),
    Field::new("string", DataType::String).nullable(true),
    Field::new("instant", DataType::Instant).nullable(true),
    Field::new("date", DataType::Date).nullable(true),
    Field::new("time", DataType::Time).nullable(true),
    Field::new("duration", DataType::Duration).nullable(true),
    Field::new("decimal", DataType::Decimal(2)).nullable(true),
    Field::new("word", DataType::Enum(WORDS)).nullable(true),
    Field::new("bytes", DataType::Bytes).nullable(true),
    Field::new("uuid", DataType::Uuid).nullable(true),
    Field::new("list", DataType::List(&DataType::Enum(WORDS))).nullable(true),
    Field::new("object", DataType::Object(&[])).nullable(true),
    Field::new("json", DataType::Json).nullable(true),
];

impl Everything {
    /// The fields without the id.
    pub const FIELDS: &[Field] = ALL.split_at(1).1;
}

impl Serialize for Everything {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = Self::FIELDS.iter().zip(&self.values);
        let values = values.map(|(field, value)| (field.name.to_owned(), value.to_json()));
        let all = std::iter::once(("id".to_owned(), Value::from(self.id))).chain(values);
        all.collect::<Map<_, _>>().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Everything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let read = |field: &Field| match fields.get(field.name) {
            Some(value) => field.data_type.read(value).ok_or_else(|| de::Error::custom(field.name)),
            None => Ok(FieldValue::Null),
        };
        let id = fields.get("id").and_then(Value::as_i64).unwrap_or_default();
        Ok(Self { id, values: Self::FIELDS.iter().map(read).collect::<Result<_, _>>()? })
    }
}

impl<'de> Deserialize<'de> for EverythingPatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let changes = Everything::FIELDS.iter().enumerate().filter_map(|(place, field)| {
            let value = field.data_type.read(fields.get(field.name)?);
            Some(value.map(|value| (place, value)).ok_or_else(|| de::Error::custom(field.name)))
        });
        changes.collect::<Result<_, _>>().map(Self)
    }
}

impl Record for Everything {
    type Data = Self;
    type Patch = EverythingPatch;
    type Draft = Self;
    type PatchDraft = EverythingPatch;

    fn schema() -> Schema {
        Schema::new("Everything", "id", ALL, "A record with a field of every type.")
    }

    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a> {
        path.index().map_or(FieldRef::Null, |index| lookup_inside(self.field(index), path))
    }

    fn field(&self, index: usize) -> FieldRef<'_> {
        match index.checked_sub(1) {
            Some(place) => self.values.get(place).map_or(FieldRef::Null, FieldValue::borrowed),
            None => FieldRef::Int(self.id),
        }
    }

    fn id(&self, _name: &str) -> Option<Id> {
        Some(self.id.into())
    }

    fn data_id(draft: &Self, _name: &str) -> Option<Id> {
        (draft.id != 0).then(|| draft.id.into())
    }

    fn data_fields(draft: &Self) -> Vec<(usize, FieldRef<'_>)> {
        draft.values.iter().zip(1..).map(|(value, index)| (index, value.borrowed())).collect()
    }

    fn create(draft: Self, _name: &str, id: &Id) -> Result<Self> {
        Ok(Self { id: id.as_int().ok_or_else(|| wrong_id(id))?, ..draft })
    }

    fn changes(patch: &EverythingPatch) -> Vec<(usize, FieldValue)> {
        patch.0.iter().map(|(place, value)| (place + 1, value.clone())).collect()
    }

    fn apply(&mut self, _name: &str, patch: &EverythingPatch) -> Result<()> {
        for (place, value) in &patch.0 {
            *self.values.get_mut(*place).ok_or_else(|| Error::general("no such field"))? = value.clone();
        }
        Ok(())
    }
}

impl Columns for Everything {
    fn from_columns(values: Vec<FieldValue>) -> Result<Self> {
        let mut values = values.into_iter();
        let Some(FieldValue::Int(id)) = values.next() else { return Err(Error::general("an id is a number")) };
        // A scalar in JSON is typed, as data has it.
        let typed = |value| match value {
            FieldValue::Json(json) => FieldValue::from(json),
            value => value,
        };
        Ok(Self { id, values: values.map(typed).collect() })
    }
}
