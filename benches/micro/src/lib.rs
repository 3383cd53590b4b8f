//! The hot parts of the framework, one by one.
//!
//! Each benchmark stands here once and is used in two ways.
//! `cargo bench -p feathers-micro` measures its time. `cargo xtask budget` counts its instructions under callgrind and
//! compares them with `benches/budget.json`; the count is the same on a busy machine as on a quiet one.

mod app;
mod call;
mod channel;
mod event;
mod hook;
mod log;
mod payload;
mod pipe;
mod query;
mod readers;
mod rest;

use std::fmt;
use std::rc::Rc;

use feathers::{Error, Result};
use tokio::runtime::{Builder, Runtime};

/// One benchmark.
#[derive(Clone, Copy)]
pub struct Bench {
    name: &'static str,
    times: u32,
    prepare: fn(&Rc<Runtime>) -> Result<Work>,
}

/// The prepared work: does one operation so many times.
pub type Work = Box<dyn FnMut(u64) -> Result<()>>;

impl Bench {
    const fn new(name: &'static str, times: u32, prepare: fn(&Rc<Runtime>) -> Result<Work>) -> Self {
        Self { name, times, prepare }
    }

    /// Returns the part and what is done with it: `query/parse`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns how often the operation is done to count its instructions.
    pub fn times(&self) -> u64 {
        self.times.into()
    }

    /// Makes everything that is there before the first operation.
    ///
    /// # Errors
    /// One of the benchmark itself.
    pub fn prepare(&self) -> Result<Work> {
        // One thread, and no sockets: the order of everything that happens is always the same.
        let runtime = Builder::new_current_thread().enable_time().build().map_err(Error::internal)?;
        (self.prepare)(&Rc::new(runtime))
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Returns all benchmarks, in the order of the way of a call.
pub fn all() -> impl Iterator<Item = Bench> {
    [query::ALL, hook::ALL, call::ALL, payload::ALL, log::ALL, channel::ALL, readers::ALL, event::ALL, rest::ALL]
        .into_iter()
        .flatten()
        .copied()
}

/// Makes work of an operation that waits for nothing.
fn at_once(mut operation: impl FnMut() -> Result<()> + 'static) -> Work {
    Box::new(move |times| (0..times).try_for_each(|_| operation()))
}

/// Makes work of an operation that may wait.
fn waiting(runtime: &Rc<Runtime>, mut operation: impl AsyncFnMut() -> Result<()> + 'static) -> Work {
    let runtime = runtime.clone();
    Box::new(move |times| {
        runtime.block_on(async {
            for _ in 0..times {
                operation().await?;
            }
            Ok(())
        })
    })
}

/// Fails with what a benchmark saw instead of what it is about.
fn unexpected(what: impl fmt::Debug) -> Error {
    Error::general(format!("not what this benchmark measures: {what:?}"))
}
