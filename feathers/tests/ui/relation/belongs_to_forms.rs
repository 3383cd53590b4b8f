//! What may stand behind `belongs_to`.

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
struct M0 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to)]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M1 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to())]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M2 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to = user_id)]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M3 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to("user_id"))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M4 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id, limit = 5))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M5 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id service = "users"))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M6 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id, service = users))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M7 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id, service = "a", service = "b"))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct M8 {
    #[service(id)]
    id: i64,
    user_id: i64,
    #[service(belongs_to(user_id), belongs_to(user_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
}

fn main() {}
