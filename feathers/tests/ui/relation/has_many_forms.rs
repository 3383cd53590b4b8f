//! What may stand behind `has_many`.

#![allow(unused)]

use feathers::prelude::*;
use feathers::schema::{Related, RelatedMany};

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Comment {
    #[service(id)]
    id: i64,
    ticket_id: i64,
    text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Link {
    #[service(id)]
    id: i64,
    ticket_id: i64,
    comment_id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T0 {
    #[service(id)]
    id: i64,
    #[service(has_many)]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T1 {
    #[service(id)]
    id: i64,
    #[service(has_many())]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T2 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, limit))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T3 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, limit = 0))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T4 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, limit = 10_001))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T5 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, limit = "5"))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T6 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, sort = asc(id)))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T7 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, sort = id, sort = text))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T8 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, total = true))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T9 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, order = id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T10 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, through = Link))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T11 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id, to = comment_id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct T12 {
    #[service(id)]
    id: i64,
    #[service(has_many(ticket_id), belongs_to(ticket_id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

fn main() {}
