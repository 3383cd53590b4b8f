//! A hook that says how long an answer may be kept.

use std::time::Duration;

use async_trait::async_trait;

use crate::call::context::Context;
use crate::call::hook::Hook;
use crate::call::method::Method;
use crate::data::error::Result;

/// Lets a browser keep the answers of `find` and `get` over HTTP for some time: an after hook that sets
/// `Cache-Control`.
///
/// Shared caches, as of proxies, keep nothing unless [`CacheControl::public`] says so. Answers of other methods stay
/// without the header, and so does the answer of a call that fails. Sockets know no such thing.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use std::time::Duration;
///
/// use feathers::hook::cache_control;
/// use feathers::{App, Document, Memory};
///
/// let mut app = App::new();
/// app.service("countries", Memory::<Document>::new())
///     .after("all", cache_control(Duration::from_secs(3_600)).public());
/// ```
pub fn cache_control(max_age: Duration) -> CacheControl {
    CacheControl { max_age, public: false }
}

/// The hook that [`cache_control`] makes.
#[derive(Clone, Debug)]
pub struct CacheControl {
    max_age: Duration,
    public: bool,
}

impl CacheControl {
    /// Lets shared caches keep answers too, but only those to callers who are not logged in.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }
}

#[async_trait]
impl Hook for CacheControl {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if !matches!(ctx.method(), Method::Find | Method::Get) {
            return Ok(());
        }
        let is_anonymous = || {
            let secrets = ctx.app().secret_headers();
            let is_secret = |name: &str| name.parse().is_ok_and(|name| secrets.contains(&name));
            ctx.app().user(&ctx.params).is_none() && !ctx.params.headers.iter().any(|(name, _)| is_secret(name))
        };
        let whose = if self.public && is_anonymous() { "public" } else { "private" };
        ctx.http.header("cache-control", &format!("{whose}, max-age={}", self.max_age.as_secs()))
    }
}
