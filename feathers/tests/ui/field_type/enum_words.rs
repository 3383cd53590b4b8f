//! Each variant has a word of its own, which serde writes.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, FieldType)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    #[serde(rename = "open")]
    Reopened,
    #[serde(skip)]
    Secret,
    #[serde(other)]
    Unknown,
}

fn main() {}
