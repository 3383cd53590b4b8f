//! A generic enum is refused once.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, FieldType)]
enum Status<T> {
    Open,
    Closed(T),
}

fn main() {}
