//! An enum whose variants have data is no word: each is named, and how it becomes a field.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, FieldType)]
enum Status {
    Open,
    Closed(i64),
    Waiting { for_whom: String },
}

fn main() {}
