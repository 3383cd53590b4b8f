//! What a mount says of relations.

use std::sync::Arc;

use crate::call::app::Mount;
use crate::call::app::relations::Spec;
use crate::data::record::Record;

/// A relation to populate, and which fields of the related records are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Populate {
    pub(super) path: Arc<str>,
    pub(super) select: Option<Vec<Arc<str>>>,
}

/// What names a relation of the record `R`: its name on the wire, with a dot for one inside another, or that and the
/// only fields to show.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::app::IntoPopulate;
///
/// fn is_relation(_: impl IntoPopulate<()>) {}
/// is_relation("comments.author");
/// is_relation(("author", ["id", "name"]));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no relation",
    label = "not the name of a relation",
    note = "name it as it is on the wire, `\"author\"`, or with the only fields to show: `(\"author\", [\"id\", \"name\"])`"
)]
pub trait IntoPopulate<R> {
    /// Makes what the mount keeps.
    fn into_populate(self) -> Populate;
}

impl<R> IntoPopulate<R> for &str {
    fn into_populate(self) -> Populate {
        Populate { path: self.into(), select: None }
    }
}

impl<R, F: Into<Arc<str>>, const N: usize> IntoPopulate<R> for (&str, [F; N]) {
    fn into_populate(self) -> Populate {
        Populate { path: self.0.into(), select: Some(self.1.into_iter().map(Into::into).collect()) }
    }
}

impl<R> IntoPopulate<R> for Populate {
    fn into_populate(self) -> Self {
        self
    }
}

impl<R: Record> Mount<R> {
    /// Puts related records into every answer to a client and into every event.
    ///
    /// They are named as on the wire, with a dot for a relation of the related records: `"comments.author"`. With the
    /// only fields to show it is `("author", ["id", "name"])`. A call from inside has them where it asks with
    /// `$populate`, which may name every relation of the record then.
    ///
    /// A relation that the record does not have, and one whose records no service has, is an error at the start.
    pub fn populate<P: IntoPopulate<R>>(&mut self, relations: impl IntoIterator<Item = P>) -> &mut Self {
        let all = relations.into_iter().map(IntoPopulate::into_populate);
        self.relations().always.extend(all);
        self
    }

    /// Lets clients ask for related records with `$populate`, and for no more fields of them than are named here.
    pub fn allow_populate<P: IntoPopulate<R>>(&mut self, relations: impl IntoIterator<Item = P>) -> &mut Self {
        let all = relations.into_iter().map(IntoPopulate::into_populate);
        self.relations().allowed.extend(all);
        self
    }

    /// Lets clients filter by fields of related records: `author.email` for the field `email` of `author`.
    ///
    /// The related service is asked with the rights of the caller, so that a filter finds nothing out that the caller
    /// may not read. A condition that matches more than 10,000 related records is a 400, and so is a query with more
    /// than 8 such conditions.
    pub fn filter_through<N: Into<Arc<str>>>(&mut self, paths: impl IntoIterator<Item = N>) -> &mut Self {
        let paths = paths.into_iter().map(Into::into);
        self.relations().filtered.extend(paths);
        self
    }

    /// Sets how many related records an answer to a client may have for one relation, instead of 10,000; more are a 400
    /// that says so.
    pub fn max_related(&mut self, records: u64) -> &mut Self {
        self.relations().max = records;
        self
    }

    fn relations(&mut self) -> &mut Spec {
        self.parts.relations.get_or_insert_with(|| Box::new(Spec::new(R::record_type())))
    }
}
