//! The headers of a request or of a handshake.
//!
//! A map of headers holds on to the whole buffer that the request was read into. That is no matter for the moment that
//! a request takes, and 9 KiB for the life of a connection; so a connection keeps a copy, as text.

use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

/// Request or handshake headers, shared between the calls of one connection.
///
/// `Debug` shows their names only, since any of them may hold a key.
#[derive(Clone, Default)]
pub struct Headers(Kept);

#[derive(Clone, Default)]
enum Kept {
    #[default]
    Nothing,
    /// As they were received.
    Map(Arc<HeaderMap>),
    /// A line for each: `name:value`, or the name alone where the value is not text. Neither can hold a line break, and
    /// no name a colon.
    Lines(Arc<str>),
}

impl Headers {
    /// Returns the first value of a header if it is text; names are case-insensitive.
    pub fn value(&self, name: &str) -> Option<&str> {
        match &self.0 {
            Kept::Nothing => None,
            Kept::Map(map) => map.get(name)?.to_str().ok(),
            Kept::Lines(lines) => entries(lines).find(|(one, _)| one.eq_ignore_ascii_case(name))?.1,
        }
    }

    /// Iterates over all headers whose value is text, with lower-case names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns the same headers in the form in which a connection keeps them.
    pub(crate) fn compact(self) -> Self {
        if !matches!(self.0, Kept::Map(_)) {
            return self;
        }
        let mut lines = String::new();
        for (name, value) in self.entries() {
            lines.push_str(name);
            if let Some(value) = value {
                lines.push(':');
                lines.push_str(value);
            }
            lines.push('\n');
        }
        Self(Kept::Lines(lines.into()))
    }

    /// Iterates over all headers; a value that is not text is `None`.
    fn entries(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let (map, lines) = match &self.0 {
            Kept::Nothing => (None, None),
            Kept::Map(map) => (Some(map), None),
            Kept::Lines(lines) => (None, Some(lines)),
        };
        let map = map.into_iter().flat_map(|map| map.iter());
        map.map(|(name, value)| (name.as_str(), value.to_str().ok()))
            .chain(lines.into_iter().flat_map(|lines| entries(lines)))
    }
}

fn entries(lines: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    lines
        .split_terminator('\n')
        .map(|line| line.split_once(':').map_or((line, None), |(name, value)| (name, Some(value))))
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries().map(|(name, _)| name)).finish()
    }
}

impl From<HeaderMap> for Headers {
    fn from(map: HeaderMap) -> Self {
        Self(Kept::Map(Arc::new(map)))
    }
}
