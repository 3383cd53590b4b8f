//! A hook that runs only where a condition holds.

use std::fmt;

use async_trait::async_trait;

use crate::call::context::Context;
use crate::call::hook::Hook;
use crate::data::error::Result;

/// Runs a hook only in calls for which the condition holds.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::hook::when;
/// use feathers::{App, Context, Document, Memory};
///
/// let mut app = App::new();
/// app.service("todos", Memory::<Document>::new()).after(
///     "find",
///     when(|ctx| ctx.params.is_external(), async |ctx: &mut Context| ctx.http.header("x-list", "todos")),
/// );
/// ```
pub fn when<C, H>(condition: C, hook: H) -> When<C, H>
where
    C: Fn(&Context) -> bool + Send + Sync + 'static,
    H: Hook,
{
    When { condition, hook }
}

/// The hook that [`when`] makes.
pub struct When<C, H> {
    condition: C,
    hook: H,
}

impl<C, H> fmt::Debug for When<C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("When").finish_non_exhaustive()
    }
}

#[async_trait]
impl<C, H> Hook for When<C, H>
where
    C: Fn(&Context) -> bool + Send + Sync + 'static,
    H: Hook,
{
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if (self.condition)(ctx) { self.hook.run(ctx).await } else { Ok(()) }
    }
}
