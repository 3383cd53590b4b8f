//! Routing: from the path of a request to a service, its id and the values of its placeholders.
//!
//! Every service path `P` answers to `P` and to `P/:id`. Static parts win over placeholders, with backtracking; among
//! placeholders the one that was registered first wins.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
// The paths are the server's own, so no attacker can choose them to collide.
use rustc_hash::FxHashMap;

use crate::call::params::RouteParams;
use crate::data::error::{Error, Result};
use crate::data::id::Id;

/// What a path leads to.
#[derive(Clone, Debug)]
pub(crate) struct Match<T> {
    pub(crate) service: T,
    pub(crate) params: RouteParams,
    pub(crate) id: Option<Id>,
}

/// How the path is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As in a URL: ids and placeholders are percent-encoded.
    Percent,
    /// As it is.
    Plain,
}

/// The table of all paths.
#[derive(Clone, Debug)]
pub(crate) struct Router<T> {
    root: Node<T>,
    /// Whether any path has placeholders; without them one look-up is enough.
    patterns: bool,
    paths: FxHashMap<Box<str>, T>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    statics: FxHashMap<Box<str>, Self>,
    placeholders: Vec<(Arc<str>, Self)>,
    service: Option<T>,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { statics: FxHashMap::default(), placeholders: Vec::new(), service: None }
    }
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { root: Node::default(), patterns: false, paths: FxHashMap::default() }
    }
}

/// Strips slashes at both ends.
pub(crate) fn strip(path: &str) -> &str {
    path.trim_matches('/')
}

impl<T: Clone> Router<T> {
    /// Adds a path; `false` if it is taken.
    pub(crate) fn insert(&mut self, path: &str, service: T) -> bool {
        let path = strip(path);
        if self.paths.contains_key(path) {
            return false;
        }
        self.paths.insert(path.into(), service.clone());
        let mut node = &mut self.root;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            node = match part.strip_prefix(':') {
                None => node.statics.entry(part.into()).or_default(),
                Some(name) => {
                    self.patterns = true;
                    node.placeholder(name)
                }
            };
        }
        node.service = Some(service);
        true
    }

    /// Finds the service of a path.
    ///
    /// An id or a placeholder that is no UTF-8 after decoding, or has a NUL character, is a 400.
    pub(crate) fn find(&self, path: &str, encoding: Encoding) -> Result<Option<Match<T>>> {
        let path = strip(path);
        if !self.patterns {
            return self.find_static(path, encoding);
        }
        if path.is_empty() {
            return Ok(self.root.service.clone().map(|service| Match {
                service,
                params: RouteParams::default(),
                id: None,
            }));
        }
        let parts: Vec<&str> = path.split('/').collect();
        let mut values = Vec::new();
        let Some((service, id)) = self.root.find(&parts, &mut values) else { return Ok(None) };
        let mut params = RouteParams::default();
        for (name, value) in values {
            params.set(name, text(value, encoding)?);
        }
        Ok(Some(Match { service, params, id: id.map(|id| read_id(id, encoding)).transpose()? }))
    }

    fn find_static(&self, path: &str, encoding: Encoding) -> Result<Option<Match<T>>> {
        if let Some(service) = self.paths.get(path) {
            return Ok(Some(Match { service: service.clone(), params: RouteParams::default(), id: None }));
        }
        let (parent, id) = path.rsplit_once('/').unwrap_or(("", path));
        match self.paths.get(parent) {
            Some(service) if !id.is_empty() => Ok(Some(Match {
                service: service.clone(),
                params: RouteParams::default(),
                id: Some(read_id(id, encoding)?),
            })),
            _ => Ok(None),
        }
    }
}

impl<T: Clone> Node<T> {
    fn placeholder(&mut self, name: &str) -> &mut Self {
        let known = self.placeholders.iter().position(|(known, _)| **known == *name);
        let index = known.unwrap_or_else(|| {
            self.placeholders.push((name.into(), Self::default()));
            self.placeholders.len() - 1
        });
        &mut self.placeholders[index].1
    }

    fn find<'p>(&self, parts: &[&'p str], values: &mut Vec<(Arc<str>, &'p str)>) -> Option<(T, Option<&'p str>)> {
        let Some((part, rest)) = parts.split_first() else {
            return self.service.clone().map(|service| (service, None));
        };
        if let Some(found) = self.statics.get(*part).and_then(|node| node.find(rest, values)) {
            return Some(found);
        }
        if part.is_empty() {
            return None;
        }
        if rest.is_empty()
            && let Some(service) = &self.service
        {
            return Some((service.clone(), Some(part)));
        }
        for (name, node) in &self.placeholders {
            let depth = values.len();
            values.push((name.clone(), part));
            if let Some(found) = node.find(rest, values) {
                return Some(found);
            }
            values.truncate(depth);
        }
        None
    }
}

fn text(part: &str, encoding: Encoding) -> Result<String> {
    let text = match encoding {
        Encoding::Plain => Cow::Borrowed(part),
        Encoding::Percent => {
            percent_decode_str(part).decode_utf8().map_err(|_| Error::bad_request("the path is not valid UTF-8"))?
        }
    };
    if text.contains('\0') {
        return Err(Error::bad_request("the path must not contain a NUL character"));
    }
    Ok(text.into_owned())
}

fn read_id(part: &str, encoding: Encoding) -> Result<Id> {
    text(part, encoding).and_then(|id| Id::from_text(&id))
}
