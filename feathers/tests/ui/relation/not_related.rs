//! The field holds related records, and as many as its attribute says.

#![allow(unused)]

use feathers::prelude::*;
use feathers::schema::{Related, RelatedMany};

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Message {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id))]
    user: User,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    user: RelatedMany<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Remark {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id))]
    user: Option<Related<User>>,
}

fn main() {}
