//! What stands behind `set`, `set_on_change` and `computed` is a function; the others have no value.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(set)]
    author: i64,
    #[service(set_on_change(current_user))]
    editor: i64,
    #[service(computed)]
    size: i64,
    #[service(created_at = now)]
    made: i64,
    #[service(version = 1)]
    version: i64,
}

fn main() {}
