//! Rights: what one caller may read of the records of a service.

use std::fmt::Write;
use std::sync::{Arc, LazyLock, OnceLock};

use sha2::{Digest, Sha256};

use crate::data::error::Result;
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::query::{Filter, normal};
use crate::data::schema::Schema;

/// The records and the fields that a caller may read.
#[derive(Debug)]
pub(crate) struct ReadRights {
    /// Which records, in normal form.
    pub(crate) filter: Filter,
    /// The fields that the field rules take from this caller, sorted.
    pub(crate) hidden: Arc<[Arc<str>]>,
    key: OnceLock<Arc<str>>,
}

static NO_FIELDS: LazyLock<Arc<[Arc<str>]>> = LazyLock::new(|| Arc::from([]));

impl ReadRights {
    /// Makes the rights to read what a filter in normal form matches, without some fields.
    pub(crate) fn new(filter: Filter, mut hidden: Vec<Arc<str>>) -> Self {
        hidden.sort_unstable();
        let hidden = if hidden.is_empty() { NO_FIELDS.clone() } else { hidden.into() };
        Self { filter, hidden, key: OnceLock::new() }
    }

    /// Returns what equal rights have in common, in other processes too: a hash of the filter and the fields.
    pub(crate) fn key(&self) -> &Arc<str> {
        self.key.get_or_init(|| {
            let mut text = String::new();
            normal::text(&self.filter, &mut text);
            // Writing to a text cannot fail.
            let _ = write!(text, "{:?}", self.hidden);
            let mut key = String::with_capacity(40);
            for byte in Sha256::digest(&text).iter().take(20) {
                let _ = write!(key, "{byte:02x}");
            }
            key.into()
        })
    }
}

/// The rules of a service: what a user may do with its records.
pub(crate) trait ServiceAccess: Send + Sync {
    /// Returns what a user, or an anonymous caller, may read; `None` is nothing at all.
    ///
    /// # Errors
    /// A rule panicked, which is counted: nothing may be read then.
    fn read_rights(&self, user: Option<&Payload>) -> Result<Option<Arc<ReadRights>>>;

    /// Returns what a user, or an anonymous caller, may do in one call.
    ///
    /// # Errors
    /// The method is not for the user: a 403; not for an anonymous caller: a 401; a rule panicked, which is counted: a
    /// 500.
    fn call_rights(&self, method: &str, user: Option<&Payload>) -> Result<CallRights>;

    /// Returns the paths of the services, besides that of users, of which the rules make something.
    fn depends_on(&self) -> &[String];

    /// Tells whether there is a rule for the method.
    fn has_rule(&self, method: &str) -> bool;

    /// Tells whether there is a rule for changing records.
    fn has_write_rules(&self) -> bool;

    /// Tells whether a record in a result matches.
    fn matches(&self, filter: &Filter, record: &Payload) -> bool;

    /// Returns the records in a result, whose type is known, that these rights do not let a caller read.
    fn unreadable(&self, rights: &ReadRights, result: &Payload, schema: &Schema) -> Vec<Id>;

    /// Returns a result, whatever its type is, without the records and fields that may not be read: a record becomes
    /// `null`, and is left out of a list.
    ///
    /// # Errors
    /// Those of [`Payload::value`].
    fn screened(&self, rights: &ReadRights, result: Payload, schema: &Schema) -> Result<Payload>;

    /// Returns what is wrong with the rules for a service of this schema and these methods.
    fn mistakes(&self, schema: Option<&Schema>, methods: &[&str]) -> Vec<String>;
}

/// What a caller may do in one call.
#[derive(Debug)]
pub(crate) struct CallRights {
    /// What may be read.
    pub(crate) read: ReadRights,
    /// The records that the rule of the method is kept by, in normal form.
    pub(crate) rule: Filter,
}
