//! The attribute is for impl blocks of the type itself.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Default for Reminders {
    fn default() -> Self {
        Self
    }
}

fn main() {}
