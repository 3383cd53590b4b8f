//! A hook that asks something of the user who calls.

use std::fmt;
use std::marker::PhantomData;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use crate::call::context::Context;
use crate::call::hook::Hook;
use crate::data::error::{Error, Result};

/// Lets only calls of users through for whom the rule holds: without a login a call is a 401, and where the rule is
/// `false` a 403.
///
/// The user is the one that the app's authentication knows, with all fields: what the caller presents is verified, on
/// every transport. Calls from inside pass.
///
/// ```
/// # use feathers_core::facade as feathers;
/// # #[derive(serde::Deserialize)]
/// # struct User { role: String }
/// use feathers::hook::require;
/// use feathers::{App, Document, Memory};
///
/// let mut app = App::new();
/// app.service("bans", Memory::<Document>::new()).before("create", require(|user: &User| user.role == "admin"));
/// ```
pub fn require<U, F>(rule: F) -> Require<U, F>
where
    U: DeserializeOwned + 'static,
    F: Fn(&U) -> bool + Send + Sync + 'static,
{
    Require { rule, user: PhantomData }
}

/// The hook that [`require`] makes.
pub struct Require<U, F> {
    rule: F,
    user: PhantomData<fn() -> U>,
}

impl<U, F> fmt::Debug for Require<U, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").finish_non_exhaustive()
    }
}

#[async_trait]
impl<U, F> Hook for Require<U, F>
where
    U: DeserializeOwned + 'static,
    F: Fn(&U) -> bool + Send + Sync + 'static,
{
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if !ctx.params.is_external() {
            return Ok(());
        }
        let app = ctx.app().clone();
        app.verify(&mut ctx.params).await?;
        let user = app.user(&ctx.params).ok_or_else(|| Error::not_authenticated("Not authenticated"))?;
        let holds = match user.downcast_ref::<U>() {
            Some(user) => (self.rule)(user),
            None => (self.rule)(&user.decode::<U>().map_err(Error::internal)?),
        };
        if holds { Ok(()) } else { Err(Error::forbidden("You are not allowed to do that")) }
    }
}
