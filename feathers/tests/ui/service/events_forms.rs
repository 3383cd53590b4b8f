//! Events are texts, each once, and no standard ones.

#![allow(unused)]

use feathers::prelude::*;

struct A;

#[service(events)]
impl A {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

struct B;

#[service(events("created", "ringing", "ringing", ""))]
impl B {
    async fn find(&self) -> Result<()> {
        Ok(())
    }
}

fn main() {}
