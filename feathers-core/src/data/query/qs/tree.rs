//! The growing tree of a query string: objects, sparse arrays and texts, merged as `qs` merges them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::MAX_ARRAY;
use super::entries::Entries;
use crate::data::error::{Error, Result};

/// A value under construction.
pub(super) enum Node {
    /// A leaf.
    Text(String),
    /// An array.
    List(List),
    /// An object.
    Object(Object),
}

impl Default for Node {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A sparse array.
#[derive(Default)]
pub(super) struct List {
    items: BTreeMap<usize, Node>,
    /// Whether an object and a text met here, under one name.
    mixed: bool,
}

/// An object that keeps the order of its names.
#[derive(Default)]
pub(super) struct Object {
    entries: Entries<String, Node>,
    /// The last index, if this was an array where an object and a text met: further texts are appended.
    mixed: Option<usize>,
}

impl Node {
    /// Puts another value of the same name into this one.
    pub(super) fn merge(self, other: Self) -> Result<Self> {
        Ok(match (self, other) {
            // An empty text adds nothing, as in `qs`.
            (target, Self::Text(text)) if text.is_empty() => target,
            (Self::Text(target), Self::List(list)) => Self::List(list.after(Self::Text(target))?),
            (target @ Self::Text(_), other) => Self::List(List::pair(target, other)?),
            (Self::List(mut list), text @ Self::Text(_)) => {
                list.push(text)?;
                Self::List(list)
            }
            (Self::List(list), Self::List(other)) => Self::List(list.merge(other)?),
            (Self::List(list), Self::Object(other)) => {
                let mut object = list.into_object();
                object.merge(other)?;
                Self::Object(object)
            }
            (Self::Object(mut object), Self::List(other)) => {
                object.merge(other.into_object())?;
                Self::Object(object)
            }
            (Self::Object(mut object), Self::Object(other)) => {
                object.merge(other)?;
                Self::Object(object)
            }
            (Self::Object(mut object), text @ Self::Text(_)) => {
                if let Some(last) = object.mixed {
                    object.set((last + 1).to_string(), text);
                    object.mixed = Some(last + 1);
                    return Ok(Self::Object(object));
                }
                let mut list = List::pair(Self::Object(object), text)?;
                list.mixed = true;
                Self::List(list)
            }
        })
    }

    /// Returns the JSON form; the holes of arrays are closed.
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Text(text) => Value::String(text),
            Self::List(list) => list.items.into_values().map(Self::into_value).collect(),
            Self::Object(object) => Value::Object(object.into_map()),
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

impl List {
    /// Makes an array of one element.
    pub(super) fn of(node: Node) -> Self {
        Self { items: BTreeMap::from([(0, node)]), mixed: false }
    }

    fn pair(first: Node, second: Node) -> Result<Self> {
        let mut list = Self::of(first);
        list.push(second)?;
        Ok(list)
    }

    /// Adds an element at the end.
    pub(super) fn push(&mut self, node: Node) -> Result<()> {
        self.set(self.end(), node)
    }

    /// Sets an element; an index or a number of elements beyond the limit is a 400.
    pub(super) fn set(&mut self, index: usize, node: Node) -> Result<()> {
        if index >= MAX_ARRAY {
            return Err(Error::bad_request(format!("Query has an array index of {MAX_ARRAY} or more")));
        }
        self.items.insert(index, node);
        if self.items.len() >= MAX_ARRAY {
            return Err(Error::bad_request(format!("Query has an array of {MAX_ARRAY} elements or more")));
        }
        Ok(())
    }

    fn end(&self) -> usize {
        self.items.last_key_value().map_or(0, |(last, _)| last + 1)
    }

    /// Moves everything one place up and puts a value in front.
    fn after(self, first: Node) -> Result<Self> {
        let mut list = Self::of(first);
        for (index, item) in self.items {
            list.set(index + 1, item)?;
        }
        Ok(list)
    }

    /// Elements of one index are merged if both are no texts; else the new one goes to the end.
    fn merge(mut self, other: Self) -> Result<Self> {
        for (index, item) in other.items {
            match self.items.get_mut(&index) {
                Some(own) if !own.is_text() && !item.is_text() => *own = std::mem::take(own).merge(item)?,
                Some(_) => self.push(item)?,
                None => self.set(index, item)?,
            }
        }
        Ok(self)
    }

    pub(super) fn into_object(self) -> Object {
        let mixed = self.mixed.then(|| self.end().saturating_sub(1));
        let mut object = Object { mixed, ..Object::default() };
        for (index, item) in self.items {
            object.push(index.to_string(), item);
        }
        object
    }
}

impl Object {
    /// Returns the value of a name that is about to be mentioned again.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        if let Some(last) = self.mixed
            && let Ok(index) = name.parse::<usize>()
        {
            self.mixed = Some(last.max(index));
        }
        self.entries.get_mut(name)
    }

    /// Adds a name that is not there yet.
    pub(super) fn push(&mut self, name: String, node: Node) {
        self.entries.push(name, node);
    }

    /// Sets a value; an earlier one of the same name is replaced.
    fn set(&mut self, name: String, node: Node) {
        match self.entries.get_mut(&name) {
            Some(own) => *own = node,
            None => self.entries.push(name, node),
        }
    }

    /// Puts all values of another object into this one.
    pub(super) fn merge(&mut self, other: Self) -> Result<()> {
        for (name, node) in other.entries {
            match self.get_mut(&name) {
                Some(own) => *own = std::mem::take(own).merge(node)?,
                None => self.push(name, node),
            }
        }
        Ok(())
    }

    /// Returns the JSON form.
    pub(super) fn into_map(self) -> Map<String, Value> {
        let mut map = Map::with_capacity(self.entries.len());
        map.extend(self.entries.into_iter().map(|(name, node)| (name, node.into_value())));
        map
    }
}
