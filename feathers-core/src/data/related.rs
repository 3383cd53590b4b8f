//! Related records: what a record holds of those that belong to it, once they are populated.
//!
//! They are a pointer, so that types may be related in circles, and are written to JSON by themselves: which of their
//! fields are seen is decided where they are found, and hidden ones are never written.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Visitor};
use serde::ser::{Error as _, Serialize, SerializeStruct, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::data::guard;
use crate::data::mask::{FieldMask, Masked, View};

/// The related record of a record: a field with `#[service(belongs_to(..))]`.
///
/// It is absent unless it is populated, and then the related record, or null: there is none, or the caller may not read
/// it. It is no column, and data from clients never has it.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::schema::Related;
///
/// let author = Related::from("Ann");
/// assert_eq!(author.get(), Some(&"Ann"));
/// assert!(Related::<String>::default().is_absent() && !Related::<String>::null().is_absent());
/// ```
pub struct Related<T>(One<T>);

enum One<T> {
    Absent,
    Null,
    Found(Arc<Node<T>>),
}

/// The related records of a record: a field with `#[service(has_many(..))]`.
///
/// It is absent unless it is populated. What the caller may not read is left out. It is a list on the wire, or an object
/// with `total` and `data` where the relation has a total.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::schema::RelatedMany;
///
/// let words: RelatedMany<&str> = ["a", "b"].into_iter().collect();
/// assert_eq!((words.iter().count(), words.total(), words.is_absent()), (2, None, false));
/// ```
pub struct RelatedMany<T>(Option<Arc<List<T>>>);

struct List<T> {
    nodes: Vec<Arc<Node<T>>>,
    total: Option<u64>,
}

/// One related record, shared by all records that it belongs to, with its text.
pub(crate) struct Node<T> {
    content: Content<T>,
    /// Which of its fields are seen.
    mask: FieldMask,
    text: OnceLock<Box<RawValue>>,
}

enum Content<T> {
    Record(Arc<T>),
    /// What a hook has made of one.
    Json(Value),
}

/// Related records as they were found, for fields of their type.
pub struct Found(Box<dyn Any + Send + Sync>);

/// A field for related records, whatever their type is.
pub trait RelatedField {
    /// Makes it absent.
    fn clear(&mut self);

    /// Fills it with those at these places.
    fn fill(&mut self, found: &Found, places: &[usize], total: Option<u64>);
}

impl<T> Related<T> {
    /// Makes one that is null.
    pub const fn null() -> Self {
        Self(One::Null)
    }

    /// Tells whether it is not populated.
    pub const fn is_absent(&self) -> bool {
        matches!(self.0, One::Absent)
    }

    /// Returns the related record, whatever the caller sees of it; `None` if it is absent or null, or a hook has made
    /// something else of it.
    pub fn get(&self) -> Option<&T> {
        match &self.0 {
            One::Found(node) => node.record(),
            One::Absent | One::Null => None,
        }
    }
}

impl<T> RelatedMany<T> {
    /// Tells whether it is not populated.
    pub const fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the related records, whatever the caller sees of them.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|list| &list.nodes).filter_map(|node| node.record())
    }

    /// Returns the number of all, where the relation has a total.
    pub fn total(&self) -> Option<u64> {
        self.0.as_ref()?.total
    }
}

impl<T> Node<T> {
    /// Takes a record, of which the fields in a mask are seen.
    pub(crate) fn new(record: Arc<T>, mask: FieldMask) -> Arc<Self> {
        Arc::new(Self { content: Content::Record(record), mask, text: OnceLock::new() })
    }

    /// Takes what a hook has made of a record.
    pub(crate) fn json(value: Value) -> Arc<Self> {
        Arc::new(Self { content: Content::Json(value), mask: FieldMask::All, text: OnceLock::new() })
    }

    fn record(&self) -> Option<&T> {
        match &self.content {
            Content::Record(record) => Some(record),
            Content::Json(_) => None,
        }
    }
}

impl<T: Serialize> Node<T> {
    /// Returns the text; it is written once.
    ///
    /// It is written here and not into the serializer of the record around it, so that types that are related in a
    /// circle do not make serializers inside serializers without end.
    fn text(&self) -> serde_json::Result<&RawValue> {
        if let Some(text) = self.text.get() {
            return Ok(text);
        }
        let text = match &self.content {
            Content::Record(record) => {
                let view = View { guard: guard::current(), ..View::of(self.mask.clone()) };
                guard::leaving(|| to_raw_value(&Masked::new(&**record, &view)))?
            }
            Content::Json(value) => to_raw_value(value)?,
        };
        Ok(self.text.get_or_init(|| text))
    }
}

impl<T: Serialize> Serialize for Node<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<T: Serialize> Serialize for Related<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            One::Found(node) => node.serialize(serializer),
            One::Absent | One::Null => serializer.serialize_unit(),
        }
    }
}

impl<T: Serialize> Serialize for RelatedMany<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(list) = &self.0 else { return serializer.serialize_unit() };
        let Some(total) = list.total else { return serializer.collect_seq(&list.nodes) };
        let mut out = serializer.serialize_struct("RelatedMany", 2)?;
        out.serialize_field("total", &total)?;
        out.serialize_field("data", &list.nodes)?;
        out.end()
    }
}

/// Reads what was written; what is not the whole record, such as some of its fields, is kept as it is.
fn read<T: DeserializeOwned>(value: Value) -> Arc<Node<T>> {
    match T::deserialize(&value) {
        Ok(record) => Node::new(Arc::new(record), FieldMask::All),
        Err(_) => Node::json(value),
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Related<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<Value>::deserialize(deserializer)?;
        Ok(value.map_or(Self::null(), |value| Self(One::Found(read(value)))))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for RelatedMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lists<T>(PhantomData<fn() -> T>);

        impl<'de, T: DeserializeOwned> Visitor<'de> for Lists<T> {
            type Value = List<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list, or an object with `total` and `data`")
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<List<T>, A::Error> {
                let mut nodes = Vec::new();
                while let Some(value) = items.next_element()? {
                    nodes.push(read(value));
                }
                Ok(List { nodes, total: None })
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut fields: A) -> Result<List<T>, A::Error> {
                let mut list = List { nodes: Vec::new(), total: None };
                while let Some(name) = fields.next_key::<String>()? {
                    match name.as_str() {
                        "total" => list.total = fields.next_value()?,
                        "data" => list.nodes = fields.next_value::<Vec<Value>>()?.into_iter().map(read).collect(),
                        _ => drop(fields.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                Ok(list)
            }
        }

        deserializer.deserialize_any(Lists(PhantomData)).map(|list| Self(Some(Arc::new(list))))
    }
}

impl Found {
    pub(crate) fn new<T: Send + Sync + 'static>(nodes: Vec<Arc<Node<T>>>) -> Self {
        Self(Box::new(nodes))
    }

    fn nodes<T: 'static>(&self) -> &[Arc<Node<T>>] {
        self.0.downcast_ref::<Vec<Arc<Node<T>>>>().map_or(&[], Vec::as_slice)
    }
}

impl<T: 'static> RelatedField for Related<T> {
    fn clear(&mut self) {
        self.0 = One::Absent;
    }

    fn fill(&mut self, found: &Found, places: &[usize], _total: Option<u64>) {
        let node = places.first().and_then(|place| found.nodes::<T>().get(*place));
        self.0 = node.map_or(One::Null, |node| One::Found(node.clone()));
    }
}

impl<T: 'static> RelatedField for RelatedMany<T> {
    fn clear(&mut self) {
        self.0 = None;
    }

    fn fill(&mut self, found: &Found, places: &[usize], total: Option<u64>) {
        let nodes = places.iter().filter_map(|place| found.nodes::<T>().get(*place).cloned()).collect();
        self.0 = Some(Arc::new(List { nodes, total }));
    }
}

impl<T> From<T> for Related<T> {
    fn from(record: T) -> Self {
        Self(One::Found(Node::new(Arc::new(record), FieldMask::All)))
    }
}

impl<T> FromIterator<T> for RelatedMany<T> {
    fn from_iter<I: IntoIterator<Item = T>>(records: I) -> Self {
        let nodes = records.into_iter().map(|record| Node::new(Arc::new(record), FieldMask::All)).collect();
        Self(Some(Arc::new(List { nodes, total: None })))
    }
}

impl<T> Default for Related<T> {
    fn default() -> Self {
        Self(One::Absent)
    }
}

impl<T> Default for RelatedMany<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Clone for Related<T> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            One::Absent => One::Absent,
            One::Null => One::Null,
            One::Found(node) => One::Found(node.clone()),
        })
    }
}

impl<T> Clone for RelatedMany<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: PartialEq> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Record(own), Content::Record(other)) => own == other,
            (Content::Json(own), Content::Json(other)) => own == other,
            _ => false,
        }
    }
}

impl<T: PartialEq> PartialEq for Related<T> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (One::Found(own), One::Found(other)) => own == other,
            (own, other) => std::mem::discriminant(own) == std::mem::discriminant(other),
        }
    }
}

impl<T: PartialEq> PartialEq for RelatedMany<T> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => own.total == other.total && own.nodes == other.nodes,
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}

impl<T: Eq> Eq for Related<T> {}

impl<T: Eq> Eq for RelatedMany<T> {}

/// Says only whether there is one: its content may be private.
impl<T> fmt::Debug for Related<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            One::Absent => "Related(absent)",
            One::Null => "Related(null)",
            One::Found(_) => "Related(..)",
        })
    }
}

/// Says only how many there are: their content may be private.
impl<T> fmt::Debug for RelatedMany<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("RelatedMany(absent)"),
            Some(list) => write!(f, "RelatedMany({})", list.nodes.len()),
        }
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Found(..)")
    }
}
