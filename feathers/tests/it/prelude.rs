//! The prelude beside what apps import from tower and axum: imports by name win, and nothing is ambiguous.

use std::task::{Context as TaskContext, Poll};

use axum::{Json, Router};
use feathers::prelude::*;
use tower::{Layer, Service, ServiceExt};

/// The derive is that of feathers, although `Service` is the trait of tower here.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

/// Adds a mark to the answer of what is inside.
#[derive(Clone)]
struct Marked<S>(S);

impl<S: Service<String, Response = String>> Service<String> for Marked<S>
where
    S::Future: Send + 'static,
    S::Error: Send,
{
    type Response = String;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<String, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: String) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move { Ok(format!("{}!", answer.await?)) })
    }
}

struct Mark;

impl<S> Layer<S> for Mark {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Marked<S> {
        Marked(inner)
    }
}

/// A service of feathers whose trait is named in full.
struct Greetings;

#[service]
impl Greetings {
    async fn get(&self, id: String) -> Result<Payload> {
        let greet = tower::service_fn(|name: String| async move { Ok::<_, Error>(format!("hello {name}")) });
        Ok(Payload::from(json!(Mark.layer(greet).oneshot(id).await?)))
    }
}

async fn fits(limit: &usize, ctx: &mut Context) -> Result<()> {
    let long = ctx.data.value()?["text"].as_str().is_some_and(|text| text.len() > *limit);
    if long { Err(Error::unprocessable("too long")) } else { Ok(()) }
}

fn service_of_feathers(service: impl feathers::Service) -> impl feathers::Service {
    service
}

#[tokio::test]
async fn the_prelude_stands_beside_tower_and_axum() -> Result<()> {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new()).before("create", hook::with_state(280, fits));
    app.service("greetings", service_of_feathers(Greetings));
    let routes = Router::new().route("/version", axum::routing::get(async || Json(json!({ "version": 1 }))));
    let server = Server::new(app).merge(routes).bind("127.0.0.1:0").start().await?;

    let url = server.url();
    let get = async |path: &str| reqwest::get(format!("{url}/{path}")).await.unwrap().text().await.unwrap();
    assert_eq!(get("version").await, r#"{"version":1}"#);
    assert_eq!(get("greetings/ada").await, r#""hello ada!""#);
    assert_eq!(get("todos").await, "[]");
    server.stop().await
}
