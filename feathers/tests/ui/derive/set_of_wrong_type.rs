//! A function that makes a value returns the type of its field.

use feathers::prelude::*;
use feathers::schema::SetContext;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(set = region)]
    author: i64,
    #[service(set = nothing)]
    editor: i64,
    #[service(computed = Self::title)]
    size: i64,
}

impl Todo {
    fn title(&self) -> String {
        String::new()
    }
}

fn region(_: &SetContext<'_>) -> String {
    String::new()
}

fn nothing() -> i64 {
    0
}

fn main() {}
