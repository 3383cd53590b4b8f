//! Measures what related records cost: `cargo bench -p feathers-micro --bench populate`.
//!
//! A page of 100 messages with their 100 authors is compared with the two finds that a client would make, in processor
//! time of the thread, in interleaved rounds.

#![allow(clippy::print_stdout, reason = "the figures are its output")]

use std::fs;
use std::hint::black_box;

use feathers::call::{Call, Encoding, Provider};
use feathers::prelude::*;
use feathers::schema::Related;
use feathers::{AppHandle, Method, Params};
use serde_json::Value;

/// How many messages there are, and as many authors.
const RECORDS: i64 = 100;
const ROUNDS: usize = 7;
/// How often each is done in a round.
const TIMES: u32 = 300;
/// How much more a populated page may cost than two finds.
const GOAL: f64 = 1.3;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Author {
    #[service(id)]
    id: i64,
    email: String,
    avatar: String,
    #[service(hidden)]
    password: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Message {
    #[service(id)]
    id: i64,
    text: String,
    author_id: i64,
    #[service(belongs_to(author_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    author: Related<Author>,
}

async fn start() -> Result<AppHandle> {
    let mut app = App::new();
    app.service("authors", Memory::<Author>::new().multi(true));
    app.service("messages", Memory::<Message>::new().multi(true)).allow_populate(["author"]);
    let app = app.start().await?;
    let text = "x".repeat(80);
    let authors: Vec<Value> = (1..=RECORDS)
        .map(|id| json!({ "email": format!("user{id}@example.com"), "avatar": format!("/avatars/{id}.png"), "password": "p" }))
        .collect();
    let messages: Vec<Value> = (1..=RECORDS).map(|id| json!({ "text": text, "author_id": id })).collect();
    app.service("authors")?.create(Value::from(authors), ()).await?;
    app.service("messages")?.create(Value::from(messages), ()).await?;
    Ok(app)
}

/// Answers a client's find, up to the bytes.
async fn find(app: &AppHandle, path: &str, query: &Value) -> Result<usize> {
    let route = app.lookup(path, Encoding::Percent)?.ok_or_else(|| Error::not_found(path))?;
    let mut params = Params::query(query.clone());
    params.provider = Some(Provider::REST);
    let call = Call { route, method: Method::Find, id: None, data: Payload::NULL, params };
    Ok(black_box(app.call(call).await?.body().to_bytes()?).len())
}

/// Returns the processor time of this thread so far, in nanoseconds.
fn spent() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|time| time.parse().ok()).unwrap_or_default()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let app = start().await?;
    let ids: Vec<i64> = (1..=RECORDS).collect();
    let (all, authors, populated) = (json!({}), json!({ "id": { "$in": ids } }), json!({ "$populate": "author" }));
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    // The first round warms up and does not count.
    for round in 0..=ROUNDS {
        let before = spent();
        for _ in 0..TIMES {
            find(&app, "messages", &all).await?;
            find(&app, "authors", &authors).await?;
        }
        let between = spent();
        for _ in 0..TIMES {
            find(&app, "messages", &populated).await?;
        }
        let after = spent();
        if round > 0 {
            apart.push((between - before) / f64::from(TIMES) / 1e3);
            together.push((after - between) / f64::from(TIMES) / 1e3);
        }
    }
    let ratios = together.iter().zip(&apart).map(|(together, apart)| together / apart).collect();
    let (apart, together, ratio) = (median(apart), median(together), median(ratios));
    println!("two finds {apart:.1} µs, populated {together:.1} µs, ratio {ratio:.3} (goal: at most {GOAL})");
    Ok(())
}
