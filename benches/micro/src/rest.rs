//! REST: from an HTTP request to its answer, in the process and without a socket.

use std::hint::black_box;
use std::rc::Rc;

use axum::body::Body;
use bytes::Bytes;
use feathers::transports::{Rest, Transport};
use feathers::{App, Result};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::app::{DATA, app, ruled, start};
use crate::{Bench, Work, unexpected, waiting};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("rest/get", 200, |runtime| requests(runtime, app(), Method::GET, ONE, "")),
    // With a rule for reading: at most a tenth more than without.
    Bench::new("rest/get-rule", 200, |runtime| requests(runtime, ruled(), Method::GET, ONE, "")),
    Bench::new("rest/find", 100, |runtime| requests(runtime, app(), Method::GET, PAGE, "")),
    Bench::new("rest/find-rule", 100, |runtime| requests(runtime, ruled(), Method::GET, PAGE, "")),
    Bench::new("rest/create", 200, |runtime| requests(runtime, app(), Method::POST, "/messages", DATA)),
];

const ONE: &str = "/messages/1";
const PAGE: &str = "/messages?$limit=10&$skip=20";

fn requests(runtime: &Rc<Runtime>, app: App, method: Method, uri: &'static str, body: &'static str) -> Result<Work> {
    let app = runtime.block_on(start(app))?;
    let router = Box::new(Rest::new()).router(&app);
    let expected = if method == Method::POST { StatusCode::CREATED } else { StatusCode::OK };
    Ok(waiting(runtime, async move || {
        let request = Request::builder()
            .method(method.clone())
            .uri(uri)
            .header(header::HOST, "127.0.0.1:3030")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(Bytes::from_static(body.as_bytes())))?;
        let Ok(response) = router.clone().oneshot(request).await;
        if response.status() != expected {
            return Err(unexpected(response.status()));
        }
        black_box(response.into_body().collect().await.map_err(unexpected)?.to_bytes());
        Ok(())
    }))
}
