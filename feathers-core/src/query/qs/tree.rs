//! The growing tree of a query string: objects, sparse arrays and texts, merged as `qs` merges them.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::MAX_ARRAY;
use crate::error::{Error, Result};

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
    entries: HashMap<String, (usize, Node)>,
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
            (Self::List(list), Self::Object(other)) => Self::Object(list.into_object().merge(other)?),
            (Self::Object(object), Self::List(other)) => Self::Object(object.merge(other.into_object())?),
            (Self::Object(object), Self::Object(other)) => Self::Object(object.merge(other)?),
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
            Self::Object(object) => {
                let mut entries: Vec<_> = object.entries.into_iter().collect();
                entries.sort_unstable_by_key(|(_, (place, _))| *place);
                Value::Object(
                    entries.into_iter().map(|(name, (_, node))| (name, node.into_value())).collect::<Map<_, _>>(),
                )
            }
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

    fn into_object(self) -> Object {
        let mixed = self.mixed.then(|| self.end().saturating_sub(1));
        let mut object = Object { mixed, ..Object::default() };
        for (index, item) in self.items {
            object.set(index.to_string(), item);
        }
        object
    }
}

impl Object {
    /// Sets a value; an earlier one of the same name is replaced.
    pub(super) fn set(&mut self, name: String, node: Node) {
        let place = self.entries.len();
        self.entries.entry(name).or_insert_with(|| (place, Node::default())).1 = node;
    }

    fn merge(mut self, other: Self) -> Result<Self> {
        let mut entries: Vec<_> = other.entries.into_iter().collect();
        entries.sort_unstable_by_key(|(_, (place, _))| *place);
        for (name, (_, node)) in entries {
            if let (Some(last), Ok(index)) = (self.mixed, name.parse::<usize>()) {
                self.mixed = Some(last.max(index));
            }
            match self.entries.get_mut(&name) {
                Some((_, own)) => *own = std::mem::take(own).merge(node)?,
                None => self.set(name, node),
            }
        }
        Ok(self)
    }
}
