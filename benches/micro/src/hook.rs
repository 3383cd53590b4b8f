//! A call through hooks that do nothing: what a hook costs is the difference.

use std::hint::black_box;
use std::rc::Rc;

use feathers::prelude::*;
use feathers::{Context, Method, Payload};
use serde_json::Map;
use tokio::runtime::Runtime;

use crate::app::{app, call, start};
use crate::{Bench, Work, waiting};

pub(crate) const ALL: &[Bench] = &[
    Bench::new("hook/0", 200, |runtime| hooks(runtime, 0)),
    Bench::new("hook/2", 200, |runtime| hooks(runtime, 2)),
    Bench::new("hook/8", 200, |runtime| hooks(runtime, 8)),
];

async fn pass(_ctx: &mut Context) -> Result<()> {
    Ok(())
}

/// Half of the hooks run before the method, half of them after it.
fn hooks(runtime: &Rc<Runtime>, count: usize) -> Result<Work> {
    let mut app = app();
    for _ in 0..count / 2 {
        app.before("all", pass).after("all", pass);
    }
    let app = runtime.block_on(start(app))?;
    let get = call(&app, "messages/1", Method::Get, Payload::NULL, &Map::new())?;
    Ok(waiting(runtime, async move || {
        black_box(app.call(get.clone()).await?);
        Ok(())
    }))
}
