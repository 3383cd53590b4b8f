//! The drafts of a call: its data as hooks see it by type, one for each element of a list.

use serde_json::Value;

use crate::call::context::Context;
use crate::call::method::Method;
use crate::data::draft::Draft;
use crate::data::error::{Error, Result};
use crate::data::payload::Payload;

/// The data of a `create`, `update` or `patch` as drafts: one for each element of a list, or else one.
#[derive(Clone, Debug, PartialEq)]
pub struct Drafts<D> {
    items: Vec<D>,
    is_list: bool,
}

impl<D> Drafts<D> {
    /// Iterates over the drafts.
    pub fn iter(&self) -> std::slice::Iter<'_, D> {
        self.items.iter()
    }

    /// Iterates over the drafts, to change them.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, D> {
        self.items.iter_mut()
    }
}

impl<'a, D> IntoIterator for &'a Drafts<D> {
    type Item = &'a D;
    type IntoIter = std::slice::Iter<'a, D>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, D> IntoIterator for &'a mut Drafts<D> {
    type Item = &'a mut D;
    type IntoIter = std::slice::IterMut<'a, D>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl Context {
    /// Reads the data as drafts of the record. What a hook makes of them is put back by [`Context::set_drafts`].
    ///
    /// A client's value of a field that only the server sets is in them, too: the call is refused if it is still there
    /// after the hooks.
    ///
    /// # Errors
    /// Data that is no draft: a 400 with every mistake that the service finds. The draft of another method: a 500.
    pub async fn drafts<D: Draft>(&self) -> Result<Drafts<D>> {
        if !has_drafts(self.method(), D::IS_PATCH) {
            let name = std::any::type_name::<D>();
            return Err(Error::internal(format!("the data of '{}' is no {name}", self.method())));
        }
        match read(&self.data) {
            Ok(drafts) => Ok(drafts),
            Err(error) => {
                // The service knows all mistakes, and the first one is known here.
                self.check(self.data.clone()).await?;
                Err(error)
            }
        }
    }

    /// Puts drafts in the place of the data.
    ///
    /// # Errors
    /// Those of the type's own `Serialize`.
    pub fn set_drafts<D: Draft>(&mut self, drafts: Drafts<D>) -> Result<()> {
        let mut values = drafts.items.into_iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        let one = if drafts.is_list { None } else { values.pop() };
        self.data = Payload::from(one.unwrap_or(Value::Array(values)));
        Ok(())
    }
}

/// Tells whether the data of a method has such drafts.
pub(crate) fn has_drafts(method: &Method, patches: bool) -> bool {
    match method {
        Method::Create | Method::Update => !patches,
        Method::Patch => patches,
        _ => false,
    }
}

fn read<D: Draft>(data: &Payload) -> Result<Drafts<D>> {
    match data.items()? {
        Some(items) => Ok(Drafts { items: items.iter().map(Payload::decode).collect::<Result<_>>()?, is_list: true }),
        None => Ok(Drafts { items: vec![data.decode()?], is_list: false }),
    }
}
