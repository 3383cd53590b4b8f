//! On a function, the attribute says where it belongs.

#![allow(unused)]

use feathers::prelude::*;

#[service]
async fn find() {}

fn main() {}
