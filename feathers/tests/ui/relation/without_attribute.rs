//! A field for related records says how they belong together.

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
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    user: RelatedMany<User>,
}

fn main() {}
