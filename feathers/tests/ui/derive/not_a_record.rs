//! A store takes records.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Todo {
    id: i64,
}

fn serve(app: &mut App) {
    app.service("todos", Memory::<Todo>::new());
}

fn main() {}
