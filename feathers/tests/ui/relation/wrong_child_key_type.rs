//! The key is of the type of the id, also in records between.

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
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(has_many(text))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Other {
    #[service(id)]
    id: String,
    #[service(has_many(ticket_id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Third {
    #[service(id)]
    id: String,
    #[service(has_many(ticket_id, through = Link, to = comment_id))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
}

fn main() {}
