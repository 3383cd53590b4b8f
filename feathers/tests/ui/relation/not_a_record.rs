//! What is related is a record.

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
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<String>,
}

fn main() {}
