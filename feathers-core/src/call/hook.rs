//! Hooks: code that runs around, before and after service methods, and on their errors.
//!
//! The order is that of Feathers: around, before, the method, after. The app's hooks are outside the service's, and
//! those for all methods outside those for one. Hooks of one list run in the order of registration.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::call::context::Context;
use crate::call::method::Method;
use crate::data::error::Result;

/// A before, after or error hook.
///
/// An `async fn(&mut Context) -> Result<()>` is one, and so is a closure that captures nothing:
/// `async |ctx: &mut Context| { .. }`. A hook with settings is a struct that implements this trait, or [`with_state`].
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::{Context, Error, Result};
///
/// async fn no_shouting(ctx: &mut Context) -> Result<()> {
///     let text = ctx.data.value()?["text"].as_str().unwrap_or_default();
///     if text.ends_with('!') {
///         return Err(Error::unprocessable("please do not shout"));
///     }
///     Ok(())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook",
    label = "not a hook",
    note = "a hook is an `async fn(ctx: &mut Context) -> Result<()>`",
    note = "`hook::typed` takes one with a draft first, and a closure with its types: `async |draft: &mut TodoDraft, ctx: &mut Context| ..`",
    note = "a closure that captures cannot be one: use `hook::with_state(state, async |state: &State, ctx: &mut Context| ..)`"
)]
#[async_trait]
pub trait Hook: Send + Sync + 'static {
    /// Runs the hook; an error ends the call, unless an error hook swallows it.
    async fn run(&self, ctx: &mut Context) -> Result<()>;
}

/// A hook around the rest of the call: what comes before [`Next::run`] runs before it.
///
/// An `async fn(&mut Context, Next<'_>) -> Result<()>` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an around hook",
    label = "not an around hook",
    note = "an around hook is an `async fn(ctx: &mut Context, next: Next<'_>) -> Result<()>`"
)]
#[async_trait]
pub trait AroundHook: Send + Sync + 'static {
    /// Runs the hook; not running `next` skips the rest of the call.
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()>;
}

/// Accepts functions as hooks: the trait that async functions of any lifetime implement.
#[doc(hidden)]
pub trait HookFn<'a>: Send + Sync + 'static {
    type Future: Future<Output = Result<()>> + Send + 'a;
    fn call(&self, ctx: &'a mut Context) -> Self::Future;
}

impl<'a, F, Fut> HookFn<'a> for F
where
    F: Fn(&'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, ctx: &'a mut Context) -> Fut {
        self(ctx)
    }
}

#[async_trait]
impl<F: for<'a> HookFn<'a>> Hook for F {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        self.call(ctx).await
    }
}

/// Accepts functions as around hooks.
#[doc(hidden)]
pub trait AroundFn<'a>: Send + Sync + 'static {
    type Future: Future<Output = Result<()>> + Send + 'a;
    fn call(&self, ctx: &'a mut Context, next: Next<'a>) -> Self::Future;
}

impl<'a, F, Fut> AroundFn<'a> for F
where
    F: Fn(&'a mut Context, Next<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, ctx: &'a mut Context, next: Next<'a>) -> Fut {
        self(ctx, next)
    }
}

#[async_trait]
impl<F: for<'a> AroundFn<'a>> AroundHook for F {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        self.call(ctx, next).await
    }
}

/// Makes a hook of a function and the state that it needs.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::{Context, Error, hook::with_state};
///
/// let limit = with_state(280_usize, async |limit: &usize, ctx: &mut Context| {
///     match ctx.data.to_bytes()?.len() > *limit {
///         true => Err(Error::bad_request("too long")),
///         false => Ok(()),
///     }
/// });
/// # let _ = limit;
/// ```
///
/// [`typed`](crate::facade::hook::typed()) takes one whose function has a draft between the two.
pub fn with_state<S, F, Via>(state: S, hook: F) -> WithState<S, F>
where
    F: Stateful<S, Via>,
{
    WithState { state, hook }
}

/// A hook with state, made by [`with_state`].
pub struct WithState<S, F> {
    pub(crate) state: S,
    pub(crate) hook: F,
}

/// A function with state; `Via` is what it takes besides, and is always inferred.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a hook with state",
    label = "not a hook with state",
    note = "legal are `async |state: &State, ctx: &mut Context| ..`, and for `hook::typed` `async |state: &State, draft: &mut TodoDraft, ctx: &mut Context| ..`"
)]
pub trait Stateful<S, Via> {}

/// Says that a function with state takes the context alone.
#[derive(Debug)]
#[doc(hidden)]
pub struct OfContext;

impl<S: Send + Sync + 'static, F: for<'a> StateFn<'a, S>> Stateful<S, OfContext> for F {}

impl<S: fmt::Debug, F> fmt::Debug for WithState<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithState").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Accepts functions with state as hooks.
#[doc(hidden)]
pub trait StateFn<'a, S>: Send + Sync + 'static {
    type Future: Future<Output = Result<()>> + Send + 'a;
    fn call(&self, state: &'a S, ctx: &'a mut Context) -> Self::Future;
}

impl<'a, S: 'a, F, Fut> StateFn<'a, S> for F
where
    F: Fn(&'a S, &'a mut Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, state: &'a S, ctx: &'a mut Context) -> Fut {
        self(state, ctx)
    }
}

#[async_trait]
impl<S: Send + Sync + 'static, F: for<'a> StateFn<'a, S>> Hook for WithState<S, F> {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        self.hook.call(&self.state, ctx).await
    }
}

/// The rest of a call, for an around hook. It can run only once.
pub struct Next<'a> {
    around: &'a [Arc<dyn AroundHook>],
    level: &'a Level,
    inner: &'a [Level],
}

impl<'a> Next<'a> {
    /// Runs the rest of the call.
    ///
    /// # Errors
    /// That of the rest of the call, unless an error hook has swallowed it.
    pub async fn run(self, ctx: &mut Context) -> Result<()> {
        self.boxed(ctx).await
    }

    fn boxed<'b>(self, ctx: &'b mut Context) -> BoxFuture<'b, Result<()>>
    where
        'a: 'b,
    {
        Box::pin(async move {
            match self.around.split_first() {
                None => self.level.run(ctx, self.inner).await,
                Some((hook, around)) => {
                    let next = Next { around, level: self.level, inner: self.inner };
                    let outer = ctx.enter(Phase::Around);
                    let result = hook.run(ctx, next).await;
                    ctx.leave(outer);
                    result.map_err(|error| ctx.failed_in(Phase::Around, error))
                }
            }
        })
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("around", &self.around.len()).finish_non_exhaustive()
    }
}

/// Which methods a hook is for: all, or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodFilter {
    /// Every method; written `"all"`.
    All,
    /// These methods.
    Methods(Vec<Method>),
}

impl From<Method> for MethodFilter {
    fn from(method: Method) -> Self {
        Self::Methods(vec![method])
    }
}

impl From<&str> for MethodFilter {
    fn from(name: &str) -> Self {
        if name == "all" { Self::All } else { Self::Methods(vec![Method::named(name)]) }
    }
}

impl<T: Into<Method>, const N: usize> From<[T; N]> for MethodFilter {
    fn from(methods: [T; N]) -> Self {
        Self::Methods(methods.into_iter().map(Into::into).collect())
    }
}

/// In which kind of hook a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// In an around hook, or in the method itself.
    Around,
    /// In a before hook.
    Before,
    /// In an after hook.
    After,
    /// In an error hook.
    Error,
}

impl Phase {
    /// Returns the name that Feathers uses for `context.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Around => "around",
            Self::Before => "before",
            Self::After => "after",
            Self::Error => "error",
        }
    }
}

/// The hooks of an app or a service, as they are registered.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) around: Vec<(MethodFilter, Arc<dyn AroundHook>)>,
    pub(crate) before: Vec<(MethodFilter, Arc<dyn Hook>)>,
    pub(crate) after: Vec<(MethodFilter, Arc<dyn Hook>)>,
    pub(crate) error: Vec<(MethodFilter, Arc<dyn Hook>)>,
}

impl Hooks {
    /// Returns the custom methods and standard ones that hooks name.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        let around = self.around.iter().map(|(on, _)| on);
        let plain = [&self.before, &self.after, &self.error].into_iter().flatten().map(|(on, _)| on);
        around.chain(plain).flat_map(|on| match on {
            MethodFilter::All => &[],
            MethodFilter::Methods(methods) => methods.as_slice(),
        })
    }

    /// Returns the hooks for one method, in the order in which they run.
    pub(crate) fn level(&self, method: &Method) -> Option<Level> {
        let mut around = pick(&self.around, None);
        around.extend(pick(&self.around, Some(method)));
        let mut after = pick(&self.after, None);
        after.extend(pick(&self.after, Some(method)));
        let level = Level {
            around,
            before_all: pick(&self.before, None),
            before: pick(&self.before, Some(method)),
            after,
            error: pick(&self.error, Some(method)),
            error_all: pick(&self.error, None),
        };
        (!level.is_empty()).then_some(level)
    }
}

/// Returns the hooks for all methods, or those for just this one.
fn pick<H: ?Sized>(hooks: &[(MethodFilter, Arc<H>)], method: Option<&Method>) -> Vec<Arc<H>> {
    let wanted = |on: &MethodFilter| match (on, method) {
        (MethodFilter::All, None) => true,
        (MethodFilter::Methods(methods), Some(method)) => methods.contains(method),
        _ => false,
    };
    hooks.iter().filter(|(on, _)| wanted(on)).map(|(_, hook)| hook.clone()).collect()
}

/// The hooks of one level (an app or a service) for one method.
#[derive(Clone)]
pub(crate) struct Level {
    around: Vec<Arc<dyn AroundHook>>,
    before_all: Vec<Arc<dyn Hook>>,
    before: Vec<Arc<dyn Hook>>,
    after: Vec<Arc<dyn Hook>>,
    error: Vec<Arc<dyn Hook>>,
    error_all: Vec<Arc<dyn Hook>>,
}

impl Level {
    fn is_empty(&self) -> bool {
        self.around.is_empty()
            && [&self.before_all, &self.before, &self.after, &self.error, &self.error_all]
                .into_iter()
                .all(Vec::is_empty)
    }

    /// Runs this level's before hooks, what is inside, and its after hooks.
    ///
    /// The error hooks for the method see what goes wrong from its own before hooks on; those for all methods also
    /// what goes wrong in the before hooks for all.
    async fn run(&self, ctx: &mut Context, inner: &[Self]) -> Result<()> {
        let result = match run_list(ctx, &self.before_all, Phase::Before).await {
            Ok(()) => match self.run_method(ctx, inner).await {
                Ok(()) => return Ok(()),
                Err(error) => run_error(ctx, &self.error, error).await,
            },
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => Ok(()),
            Err(error) => run_error(ctx, &self.error_all, error).await,
        }
    }

    async fn run_method(&self, ctx: &mut Context, inner: &[Self]) -> Result<()> {
        run_list(ctx, &self.before, Phase::Before).await?;
        run_levels(ctx, inner).await?;
        run_list(ctx, &self.after, Phase::After).await
    }
}

/// Runs all levels, outermost first, and the method inside them.
pub(crate) async fn run_levels(ctx: &mut Context, levels: &[Level]) -> Result<()> {
    match levels.split_first() {
        None => ctx.run_method().await,
        Some((level, inner)) => Next { around: &level.around, level, inner }.boxed(ctx).await,
    }
}

pub(crate) async fn run_list(ctx: &mut Context, hooks: &[Arc<dyn Hook>], phase: Phase) -> Result<()> {
    if hooks.is_empty() {
        return Ok(());
    }
    let outer = ctx.enter(phase);
    let mut result = Ok(());
    for hook in hooks {
        result = hook.run(ctx).await;
        if result.is_err() {
            break;
        }
    }
    ctx.leave(outer);
    result.map_err(|error| ctx.failed_in(phase, error))
}

/// Runs error hooks: they may change the error, throw another, or swallow it by setting a result or taking it away.
async fn run_error(ctx: &mut Context, hooks: &[Arc<dyn Hook>], error: crate::Error) -> Result<()> {
    if hooks.is_empty() {
        return Err(error);
    }
    let outer = ctx.enter(Phase::Error);
    ctx.set_failed(error);
    let mut thrown = None;
    for hook in hooks {
        if let Err(error) = hook.run(ctx).await {
            thrown = Some(error);
            break;
        }
    }
    ctx.leave(outer);
    ctx.settle(thrown)
}
