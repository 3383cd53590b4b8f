//! It is no part of the record's own JSON.

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
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id))]
    #[serde(skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

fn main() {}
