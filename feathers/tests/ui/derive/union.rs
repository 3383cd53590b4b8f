//! A record is no union.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Copy, Service)]
union Todo {
    id: i64,
    text: u64,
}

fn main() {}
