//! The key is of the type of the id.

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
    user_id: String,
    #[service(belongs_to(user_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    user_id: Option<f64>,
    #[service(belongs_to(user_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

fn main() {}
