//! A service has methods.

#![allow(unused)]

use feathers::prelude::*;

struct Reminders;

#[service]
impl Reminders {}

fn main() {}
