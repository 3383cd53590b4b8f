//! A record is a struct; the mistake is reported once, not at every use.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
enum Todo {
    Open,
    Done,
}

fn serve(app: &mut App) {
    app.service("todos", Memory::<Todo>::new());
}

fn main() {}
