//! Typed hooks: the data of a call as a draft of the record.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use async_trait::async_trait;

use crate::call::context::Context;
use crate::call::hook::{Hook, Stateful, WithState};
use crate::data::draft::Draft;
use crate::data::error::Result;

/// Makes a before hook that sees the data as a draft of the record, once for each element of a list.
///
/// Drafts of `create` and `update` are `TodoDraft`, those of `patch` are `TodoPatchDraft`; for another method the call
/// is a 500. What the hook makes of the draft is the data from then on. Data that is no draft is a 400 that lists every
/// mistake, and the hook does not run.
///
/// It takes an `async fn`, or an async closure whose parameters have their types; with settings, one that
/// [`hook::with_state`](crate::hook::with_state) has made:
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod __private { pub use feathers_core as core; pub use feathers_core::private::*; pub use ::serde; pub use ::serde_json; } }
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct TodoDraft { text: Option<String> }
/// # struct Todo;
/// # impl feathers::schema::Draft for TodoDraft { type Record = Todo; const IS_PATCH: bool = false; }
/// use feathers::hook::{typed, with_state};
/// use feathers::{Context, Result};
///
/// let polite = typed(async |draft: &mut TodoDraft, _ctx: &mut Context| {
///     draft.text.get_or_insert_with(|| "please".to_owned());
///     Ok(())
/// });
/// let short = typed(with_state(280, async |longest: &usize, draft: &mut TodoDraft, _ctx: &mut Context| {
///     if let Some(text) = &mut draft.text {
///         *text = text.chars().take(*longest).collect();
///     }
///     Ok(())
/// }));
/// # let _ = (polite, short);
/// ```
pub fn typed<D, F>(hook: F) -> Typed<D, F>
where
    D: Draft,
    F: for<'a> TypedFn<'a, D>,
{
    Typed { hook, draft: PhantomData }
}

/// A hook over drafts, made by [`typed`].
pub struct Typed<D, F> {
    hook: F,
    draft: PhantomData<fn() -> D>,
}

impl<D, F> fmt::Debug for Typed<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").field("draft", &std::any::type_name::<D>()).finish_non_exhaustive()
    }
}

/// Accepts functions of a draft and the context.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a typed hook",
    label = "not a typed hook",
    note = "legal are an `async fn(draft: &mut TodoDraft, ctx: &mut Context) -> Result<()>`, a closure `async |draft: &mut TodoDraft, ctx: &mut Context| ..`, and `hook::with_state(state, ..)` of either with `state: &State` first"
)]
pub trait TypedFn<'a, D>: Send + Sync + 'static {
    type Future: Future<Output = Result<()>> + Send + 'a;
    fn call(&'a self, draft: &'a mut D, ctx: &'a mut Context) -> Self::Future;
}

impl<'a, D: 'a, F, Fut> TypedFn<'a, D> for F
where
    F: Fn(&'a mut D, &'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'a,
{
    type Future = Fut;

    fn call(&'a self, draft: &'a mut D, ctx: &'a mut Context) -> Fut {
        self(draft, ctx)
    }
}

#[async_trait]
impl<D: Draft, F: for<'a> TypedFn<'a, D>> Hook for Typed<D, F> {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        let mut drafts = ctx.drafts::<D>().await?;
        for draft in &mut drafts {
            self.hook.call(draft, ctx).await?;
        }
        ctx.set_drafts(drafts)
    }
}

/// Accepts functions of a state, a draft and the context.
#[doc(hidden)]
pub trait TypedStateFn<'a, S, D>: Send + Sync + 'static {
    type Future: Future<Output = Result<()>> + Send + 'a;
    fn call(&self, state: &'a S, draft: &'a mut D, ctx: &'a mut Context) -> Self::Future;
}

impl<'a, S: 'a, D: 'a, F, Fut> TypedStateFn<'a, S, D> for F
where
    F: Fn(&'a S, &'a mut D, &'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, state: &'a S, draft: &'a mut D, ctx: &'a mut Context) -> Fut {
        self(state, draft, ctx)
    }
}

/// Says that a function with state takes a draft.
#[derive(Debug)]
pub struct OfDraft<D>(PhantomData<fn() -> D>);

impl<S: Send + Sync + 'static, D: Draft, F: for<'a> TypedStateFn<'a, S, D>> Stateful<S, OfDraft<D>> for F {}

impl<'a, S: Send + Sync + 'static, D: 'a, F: TypedStateFn<'a, S, D>> TypedFn<'a, D> for WithState<S, F> {
    type Future = F::Future;

    fn call(&'a self, draft: &'a mut D, ctx: &'a mut Context) -> F::Future {
        self.hook.call(&self.state, draft, ctx)
    }
}
