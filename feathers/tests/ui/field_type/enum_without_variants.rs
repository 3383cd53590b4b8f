//! An enum without variants has no words.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, FieldType)]
enum Status {}

fn main() {}
