//! Related records are not stored, so nothing else is said of them.

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
    #[service(belongs_to(user_id), hidden)]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id), default = Related::null())]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Remark {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id), length(1..))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

fn main() {}
