//! Dispatch: calls as transports hand them over, up to the bytes of the answer.

use std::hint::black_box;
use std::rc::Rc;

use bytes::Bytes;
use feathers::query::qs;
use feathers::{Method, Payload, Result};
use tokio::runtime::Runtime;

use crate::app::{DATA, app, call, start};
use crate::{Bench, Work, waiting};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("call/get", 200, |runtime| calls(runtime, "messages/1", Method::Get, "null", "")),
    Bench::new("call/find", 100, |runtime| calls(runtime, "messages", Method::Find, "null", "$limit=10&$skip=20")),
    Bench::new("call/find-filter", 100, |runtime| {
        calls(runtime, "messages", Method::Find, "null", "user=u1&ts[$gt]=5&$sort[ts]=-1&$select[]=text")
    }),
    Bench::new("call/create", 200, |runtime| calls(runtime, "messages", Method::Create, DATA, "")),
];

fn calls(
    runtime: &Rc<Runtime>,
    path: &'static str,
    method: Method,
    data: &'static str,
    query: &'static str,
) -> Result<Work> {
    let app = runtime.block_on(start(app()))?;
    let query = qs::parse(query)?;
    Ok(waiting(runtime, async move || {
        let data = Payload::from_valid_json(Bytes::from_static(data.as_bytes()));
        let reply = app.call(call(&app, path, method.clone(), data, &query)?).await?;
        black_box(reply.body().to_bytes()?);
        Ok(())
    }))
}
