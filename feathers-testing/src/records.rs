//! The records of the contract, written by hand: what `#[derive(Service)]` would write for them.

use feathers_core::{
    Columns, DataType, Field, FieldPath, FieldRef, FieldType, FieldValue, Id, Record, Result, Schema, lookup_inside,
    wrong_id,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A record with a number as id and a field of every kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The id.
    pub id: i64,
    /// A text.
    pub name: String,
    /// A whole number.
    pub age: i64,
    /// Any number.
    pub score: f64,
    /// A boolean.
    pub active: bool,
    /// A text that can be missing.
    pub nickname: Option<String>,
    /// Any JSON.
    pub info: Value,
}

/// A new [`Person`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonData {
    /// The id, if it is not for the store to make one.
    pub id: Option<i64>,
    /// As in the record.
    pub name: String,
    /// As in the record.
    pub age: i64,
    /// As in the record.
    pub score: f64,
    /// As in the record.
    pub active: bool,
    /// As in the record.
    pub nickname: Option<String>,
    /// As in the record.
    #[serde(default)]
    pub info: Value,
}

/// A change of a [`Person`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonPatch {
    /// As in the record; it is ignored.
    pub id: Option<i64>,
    /// As in the record.
    pub name: Option<String>,
    /// As in the record.
    pub age: Option<i64>,
    /// As in the record.
    pub score: Option<f64>,
    /// As in the record.
    pub active: Option<bool>,
    /// As in the record; `Some(None)` is `null`.
    #[serde(default, deserialize_with = "present")]
    pub nickname: Option<Option<String>>,
    /// As in the record.
    #[serde(default, deserialize_with = "present")]
    pub info: Option<Value>,
}

/// Tells `null` apart from absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

const PERSON: &[Field] = &[
    Field::new("id", DataType::Integer).optional(),
    Field::new("name", DataType::String),
    Field::new("age", DataType::Integer),
    Field::new("score", DataType::Number),
    Field::new("active", DataType::Boolean),
    Field::new("nickname", DataType::String).nullable(true),
    Field::new("info", DataType::Json).nullable(true),
];

impl Record for Person {
    type Data = PersonData;
    type Patch = PersonPatch;
    type Draft = PersonData;
    type PatchDraft = PersonPatch;

    fn schema() -> Schema {
        Schema::new("Person", "id", PERSON, "A person.")
    }

    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a> {
        path.index().map_or(FieldRef::Null, |index| lookup_inside(self.field(index), path))
    }

    fn field(&self, index: usize) -> FieldRef<'_> {
        match index {
            0 => self.id.to_field(),
            1 => self.name.to_field(),
            2 => self.age.to_field(),
            3 => self.score.to_field(),
            4 => self.active.to_field(),
            5 => self.nickname.to_field(),
            6 => self.info.to_field(),
            _ => FieldRef::Null,
        }
    }

    fn id(&self, _name: &str) -> Option<Id> {
        Some(self.id.into())
    }

    fn data_id(data: &PersonData, _name: &str) -> Option<Id> {
        data.id.map(Id::Int)
    }

    fn data_fields(data: &PersonData) -> Vec<(usize, FieldRef<'_>)> {
        vec![
            (0, data.id.to_field()),
            (1, data.name.to_field()),
            (2, data.age.to_field()),
            (3, data.score.to_field()),
            (4, data.active.to_field()),
            (5, data.nickname.to_field()),
            (6, data.info.to_field()),
        ]
    }

    fn create(data: PersonData, _name: &str, id: &Id) -> Result<Self> {
        Ok(Self {
            id: id.as_int().ok_or_else(|| wrong_id(id))?,
            name: data.name,
            age: data.age,
            score: data.score,
            active: data.active,
            nickname: data.nickname,
            info: data.info,
        })
    }

    fn changes(patch: &PersonPatch) -> Vec<(usize, FieldValue)> {
        let mut changes = Vec::new();
        let mut change = |index, value: Option<FieldRef<'_>>| {
            changes.extend(value.map(|value| (index, value.into_owned())));
        };
        change(0, patch.id.as_ref().map(FieldType::to_field));
        change(1, patch.name.as_ref().map(FieldType::to_field));
        change(2, patch.age.as_ref().map(FieldType::to_field));
        change(3, patch.score.as_ref().map(FieldType::to_field));
        change(4, patch.active.as_ref().map(FieldType::to_field));
        change(5, patch.nickname.as_ref().map(FieldType::to_field));
        change(6, patch.info.as_ref().map(FieldType::to_field));
        changes
    }

    fn apply(&mut self, _name: &str, patch: &PersonPatch) -> Result<()> {
        let patch = patch.clone();
        self.name = patch.name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.age = patch.age.unwrap_or(self.age);
        self.score = patch.score.unwrap_or(self.score);
        self.active = patch.active.unwrap_or(self.active);
        if let Some(nickname) = patch.nickname {
            self.nickname = nickname;
        }
        if let Some(info) = patch.info {
            self.info = info;
        }
        Ok(())
    }
}

impl Columns for Person {
    fn from_columns(values: Vec<FieldValue>) -> Result<Self> {
        let mut values = values.into_iter();
        let mut next = || values.next().unwrap_or_default();
        Ok(Self {
            id: FieldType::from_field(next())?,
            name: FieldType::from_field(next())?,
            age: FieldType::from_field(next())?,
            score: FieldType::from_field(next())?,
            active: FieldType::from_field(next())?,
            nickname: FieldType::from_field(next())?,
            info: FieldType::from_field(next())?,
        })
    }
}

/// A record with a text as id and a field that clients may not set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The id.
    pub id: String,
    /// A text.
    pub text: String,
    /// How often it was seen; clients may not set it.
    pub seen: i64,
}

/// A new [`Note`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteData {
    /// The id, if it is not for the store to make one.
    pub id: Option<String>,
    /// As in the record.
    pub text: String,
}

/// A change of a [`Note`].
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotePatch {
    /// As in the record.
    pub text: Option<String>,
    /// As in the record.
    pub seen: Option<i64>,
}

const NOTE: &[Field] = &[
    Field::new("id", DataType::String).optional(),
    Field::new("text", DataType::String),
    Field::new("seen", DataType::Integer).server(),
];

impl Record for Note {
    type Data = NoteData;
    type Patch = NotePatch;
    type Draft = NoteData;
    type PatchDraft = NotePatch;

    fn schema() -> Schema {
        Schema::new("Note", "id", NOTE, "A note.")
    }

    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a> {
        path.index().map_or(FieldRef::Null, |index| lookup_inside(self.field(index), path))
    }

    fn field(&self, index: usize) -> FieldRef<'_> {
        match index {
            0 => self.id.to_field(),
            1 => self.text.to_field(),
            2 => self.seen.to_field(),
            _ => FieldRef::Null,
        }
    }

    fn id(&self, _name: &str) -> Option<Id> {
        Some(self.id.as_str().into())
    }

    fn data_id(data: &NoteData, _name: &str) -> Option<Id> {
        data.id.as_deref().map(Into::into)
    }

    fn data_fields(data: &NoteData) -> Vec<(usize, FieldRef<'_>)> {
        vec![(0, data.id.to_field()), (1, data.text.to_field())]
    }

    fn create(data: NoteData, _name: &str, id: &Id) -> Result<Self> {
        Ok(Self { id: id.to_string(), text: data.text, seen: 0 })
    }

    fn replace(&self, data: NoteData, name: &str, id: &Id) -> Result<Self> {
        Ok(Self { seen: self.seen, ..Self::create(data, name, id)? })
    }

    fn changes(patch: &NotePatch) -> Vec<(usize, FieldValue)> {
        let text = patch.text.as_ref().map(|text| (1, text.to_field().into_owned()));
        text.into_iter().chain(patch.seen.map(|seen| (2, FieldValue::Int(seen)))).collect()
    }

    fn apply(&mut self, _name: &str, patch: &NotePatch) -> Result<()> {
        self.text = patch.text.clone().unwrap_or_else(|| std::mem::take(&mut self.text));
        self.seen = patch.seen.unwrap_or(self.seen);
        Ok(())
    }
}

impl Columns for Note {
    fn from_columns(values: Vec<FieldValue>) -> Result<Self> {
        let mut values = values.into_iter();
        let mut next = || values.next().unwrap_or_default();
        Ok(Self {
            id: FieldType::from_field(next())?,
            text: FieldType::from_field(next())?,
            seen: FieldType::from_field(next())?,
        })
    }
}
