//! A record with constraints, for the contract of stores.

use feathers_macros::Service;
use serde::{Deserialize, Serialize};

/// An account: what no two of them have the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Service)]
#[service(crate = crate::framework, unique(team, name), index(team, age))]
pub struct Account {
    /// The id.
    #[service(id)]
    pub id: i64,
    /// No two are the same, whatever their case is.
    #[service(unique(ignore_case))]
    pub email: String,
    /// No two are the same.
    #[service(unique)]
    pub phone: Option<f64>,
    /// With the name it is there once.
    pub team: Option<i64>,
    /// With the team it is there once.
    pub name: String,
    /// A number.
    #[service(index, default)]
    pub age: i64,
}

impl AccountDraft {
    /// Makes the data of an account without a phone and a team, whose name is its e-mail.
    pub fn of(email: &str) -> Self {
        Self { id: None, email: email.into(), phone: None, team: None, name: email.into(), age: None }
    }
}
