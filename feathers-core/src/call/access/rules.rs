//! The rules at work: what they say of one user.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Access, AccessRecord, Verdict, screen};
use crate::call::method::Method;
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::query::Filter;
use crate::data::rights::{CallRights, ReadRights, ServiceAccess};
use crate::data::schema::Schema;

/// Under which method the rule stands.
fn rule_of(method: &str) -> Method {
    match Method::named(method) {
        Method::Get => Method::Find,
        method => method,
    }
}

fn not_authenticated() -> Error {
    Error::not_authenticated("Not authenticated")
}

fn refused(method: &str) -> Error {
    Error::forbidden(format!("You may not call '{method}'"))
}

/// Runs a rule; one that panics is counted and gives no right.
fn ask<T>(rule: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(rule)).map_err(|_| {
        metrics::counter!(crate::metrics::ACCESS_RULES_FAILED).increment(1);
        Error::internal("an access rule panicked")
    })
}

impl<R: AccessRecord, U: DeserializeOwned + Send + Sync + 'static> Access<R, U> {
    /// Asks for the rights of a user.
    fn with_user<T>(user: &Payload, ask: impl FnOnce(&U) -> Result<T>) -> Result<T> {
        if let Some(user) = user.downcast_ref::<U>() {
            return ask(user);
        }
        match user.decode::<U>() {
            Ok(user) => ask(&user),
            Err(error) => {
                tracing::warn!(
                    ?error,
                    user = std::any::type_name::<U>(),
                    "a user is not of the type of the access rules"
                );
                Err(Error::forbidden("This user has no access here"))
            }
        }
    }

    /// Returns what a rule says; `None` if there is none.
    fn verdict(&self, method: &Method, user: Option<&U>) -> Result<Option<Verdict>> {
        if let Some(user) = user {
            let rule = self.rules.iter().find(|(own, _)| own == method);
            return rule.map(|(_, test)| ask(|| test(user))).transpose();
        }
        let mut rules = self.anonymous.iter().flat_map(|anonymous| &anonymous.rules);
        Ok(rules.find(|(own, _)| own == method).map(|(_, verdict)| verdict.clone()))
    }

    /// Returns the fields that are taken from a user, with the related records that they lead to.
    fn hidden(&self, user: Option<&U>) -> Result<Vec<Arc<str>>> {
        let mut hidden = Vec::new();
        for (name, test) in &self.fields {
            let sees = match user {
                Some(user) => ask(|| test(user))?,
                None => self.anonymous.as_ref().is_some_and(|anonymous| anonymous.fields.contains(name)),
            };
            if !sees {
                hidden.push((*name).into());
                hidden.extend(R::led_to_by(name).into_iter().map(Arc::from));
            }
        }
        Ok(hidden)
    }

    fn readable(&self, user: Option<&U>) -> Result<Option<ReadRights>> {
        let Some(filter) = self.verdict(&Method::Find, user)?.flatten() else { return Ok(None) };
        Ok(Some(ReadRights::new(filter, self.hidden(user)?)))
    }

    fn callable(&self, method: &str, user: Option<&U>) -> Result<CallRights> {
        let own = rule_of(method);
        let no = || if user.is_some() { refused(method) } else { not_authenticated() };
        let rule = self.verdict(&own, user)?.flatten().ok_or_else(no)?;
        let read = if own == Method::Find {
            ReadRights::new(rule.clone(), self.hidden(user)?)
        } else {
            let filter = self.verdict(&Method::Find, user)?.flatten().unwrap_or(Filter::NONE);
            ReadRights::new(filter, self.hidden(user)?)
        };
        Ok(CallRights { read, rule })
    }
}

impl<R: AccessRecord, U: DeserializeOwned + Send + Sync + 'static> ServiceAccess for Access<R, U> {
    fn read_rights(&self, user: Option<&Payload>) -> Result<Option<Arc<ReadRights>>> {
        let rights = match user {
            Some(user) => match Self::with_user(user, |user| self.readable(Some(user))) {
                Err(error) if error.code() == 403 => None,
                rights => rights?,
            },
            None => self.readable(None)?,
        };
        Ok(rights.map(Arc::new))
    }

    fn call_rights(&self, method: &str, user: Option<&Payload>) -> Result<CallRights> {
        match user {
            Some(user) => Self::with_user(user, |user| self.callable(method, Some(user))),
            None => self.callable(method, None),
        }
    }

    fn depends_on(&self) -> &[String] {
        &self.depends_on
    }

    fn has_rule(&self, method: &str) -> bool {
        let method = rule_of(method);
        let mut anonymous = self.anonymous.iter().flat_map(|anonymous| &anonymous.rules);
        self.rules.iter().any(|(own, _)| *own == method) || anonymous.any(|(own, _)| *own == method)
    }

    fn has_write_rules(&self) -> bool {
        ["create", "update", "patch", "remove"].iter().any(|method| self.has_rule(method))
    }

    fn matches(&self, filter: &Filter, record: &Payload) -> bool {
        R::matches(record, filter)
    }

    fn unreadable(&self, rights: &ReadRights, result: &Payload, schema: &Schema) -> Vec<Id> {
        R::unreadable(result, schema.id, &rights.filter)
    }

    fn screened(&self, rights: &ReadRights, result: Payload, schema: &Schema) -> Result<Payload> {
        screen::screened::<R>(rights, result, schema)
    }

    fn mistakes(&self, schema: Option<&Schema>, methods: &[&str]) -> Vec<String> {
        let mut mistakes = self.mistakes.clone();
        let anonymous = self.anonymous.iter().flat_map(|anonymous| anonymous.rules.iter().map(|(method, _)| method));
        for method in self.rules.iter().map(|(method, _)| method).chain(anonymous) {
            if !methods.iter().any(|known| rule_of(known) == *method) {
                let known = methods.iter().map(|known| format!("'{known}'")).collect::<Vec<_>>().join(", ");
                mistakes.push(format!("there is an access rule for '{method}', and its methods are {known}"));
            }
        }
        let Some(schema) = schema else { return mistakes };
        for (name, _) in &self.fields {
            if *name == schema.id {
                mistakes.push(format!("there is an access rule for the field '{name}', which is the id: all see it"));
            } else if !schema.open && schema.field(name).is_none() {
                let known = schema.fields.iter().map(|field| format!("'{}'", field.name));
                let known = known.collect::<Vec<_>>().join(", ");
                mistakes.push(format!("there is an access rule for the field '{name}', and its fields are {known}"));
            }
        }
        mistakes
    }
}
