//! Records that refer to each other, for the contract of stores.

use feathers_macros::Service;
use serde::{Deserialize, Serialize};

/// An organisation, at whose head may be one of its workers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Service)]
#[service(crate = crate::framework)]
pub struct Org {
    /// The id.
    #[service(id)]
    pub id: i64,
    /// A name.
    #[service(default)]
    pub name: String,
    /// Nobody, once that worker is gone.
    #[service(references(Worker, on_delete = set_null))]
    pub head: Option<String>,
}

/// A worker of an organisation, gone with it and with the boss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Service)]
#[service(crate = crate::framework)]
pub struct Worker {
    /// The id.
    #[service(id)]
    pub id: String,
    /// The organisation.
    #[service(references(Org, on_delete = cascade))]
    pub org: i64,
    /// Another worker, or the same one.
    #[service(references(Worker, on_delete = cascade))]
    pub boss: Option<String>,
}

/// A job of a worker, gone with it. Its organisation cannot be removed before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Service)]
#[service(crate = crate::framework)]
pub struct Job {
    /// The id.
    #[service(id)]
    pub id: i64,
    /// Who pays.
    #[service(references(Org))]
    pub org: i64,
    /// Who does it.
    #[service(references(Worker, on_delete = cascade))]
    pub worker: String,
    /// Who looks at it.
    #[service(references(Worker, on_delete = set_null))]
    pub checked_by: Option<String>,
    /// Who looks at it then.
    #[service(references(Worker, on_delete = set_null))]
    pub signed_by: Option<String>,
}

impl WorkerDraft {
    /// Makes the data of a worker.
    pub fn of(id: &str, org: i64, boss: Option<&str>) -> Self {
        Self { id: Some(id.into()), org, boss: boss.map(Into::into) }
    }
}

impl JobDraft {
    /// Makes the data of a job at which nobody looks.
    pub fn of(org: i64, worker: &str) -> Self {
        Self { id: None, org, worker: worker.into(), checked_by: None, signed_by: None }
    }
}
