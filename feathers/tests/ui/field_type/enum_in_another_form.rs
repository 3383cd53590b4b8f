//! Serde must write the words alone.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, FieldType)]
#[serde(tag = "kind")]
enum Status {
    Open,
    Closed,
}

fn main() {}
