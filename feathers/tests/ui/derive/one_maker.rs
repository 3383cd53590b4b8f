//! One attribute makes the value of a field, and nothing that has no effect stands beside it.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, created_at)]
    id: i64,
    #[service(set = current_user, created_at)]
    author: i64,
    #[service(updated_at, default)]
    made: i64,
    #[service(created_at, immutable)]
    began: i64,
    #[service(computed = Self::title, lowercase, length(1..))]
    title: String,
    #[service(version, range(1..))]
    version: Option<i64>,
    #[service(version, server)]
    revision: i64,
}

impl Todo {
    fn title(&self) -> String {
        String::new()
    }
}

fn main() {}
