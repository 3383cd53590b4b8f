//! What clients send has no field that they may not set or change; drafts have.

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(immutable)]
    list: i64,
    #[service(server)]
    made: i64,
}

fn main() {
    let _ = TodoData { id: None, list: 1, made: Some(2) };
    let _ = TodoPatch { list: Some(1), ..TodoPatch::default() };
    let _ = TodoDraft { id: None, list: 1, made: Some(2) };
    let _ = TodoPatchDraft { list: Some(1), made: Some(2), ..TodoPatchDraft::default() };
}
