//! Places: where in a value something is, written out only for a mistake.

use crate::data::violation::{fragment, pointer};

/// The way from the root to a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Root,
    Field(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl Place<'_> {
    /// Returns the paths inside the value and inside its schema.
    pub(super) fn paths(&self) -> (String, String) {
        match self {
            Self::Root => (String::new(), String::new()),
            Self::Field(outer, name) => {
                let (instance, schema) = outer.paths();
                (format!("{instance}/{}", pointer(name)), format!("{schema}/properties/{}", fragment(name)))
            }
            Self::Item(outer, index) => {
                let (instance, schema) = outer.paths();
                (format!("{instance}/{index}"), format!("{schema}/items"))
            }
        }
    }
}
