//! A struct is no word, and has another way into a record.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, FieldType)]
struct Place {
    city: String,
}

fn main() {}
