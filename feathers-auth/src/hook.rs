//! The hook that lets only authenticated callers through.

use feathers_core::{AroundHook, Context, Error, Hook, Next, Phase, Result, async_trait};

use crate::admit::VerifiedForRules;
use crate::auth::{Auth, params_for_strategy};
use crate::authenticated::Authenticated;

/// Lets only calls through whose caller has logged in by one of these strategies: `authenticate("jwt")`,
/// `authenticate(["jwt", "api-key"])`.
///
/// It verifies the caller's credentials at each call, so a token that is revoked or expired is refused at once. Calls
/// from inside pass without credentials.
/// The caller's login stands among the parameters from then on: see [`CurrentUser`](crate::CurrentUser).
pub fn authenticate(strategies: impl IntoStrategies) -> Authenticate {
    Authenticate { strategies: strategies.into_strategies() }
}

/// The hook that [`authenticate`] makes.
#[derive(Clone, Debug)]
pub struct Authenticate {
    strategies: Vec<String>,
}

#[async_trait]
impl Hook for Authenticate {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if ctx.phase() != Phase::Before {
            return Err(Error::not_authenticated("The authenticate hook must be used as a before hook"));
        }
        self.check(ctx).await
    }
}

#[async_trait]
impl AroundHook for Authenticate {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        self.check(ctx).await?;
        next.run(ctx).await
    }
}

impl Authenticate {
    async fn check(&self, ctx: &mut Context) -> Result<()> {
        let Some(auth) = ctx.app().get::<Auth>().cloned() else {
            return Err(Error::not_authenticated("Could not find a valid authentication service"));
        };
        if ctx.path() == auth.path() {
            let message = "The authenticate hook does not need to be used on the authentication service";
            return Err(Error::not_authenticated(message));
        }
        if let Some(login) = ctx.params.get::<Authenticated>() {
            let by_rules = ctx.params.get::<VerifiedForRules>().is_some();
            if !by_rules || self.strategies.iter().any(|strategy| strategy == login.strategy()) {
                return Ok(());
            }
        }
        match auth.credentials(&ctx.params) {
            Some(credentials) => {
                let params = params_for_strategy(&ctx.params);
                let login = auth.authenticate(&credentials, &params, &self.strategies).await?;
                ctx.params.insert(login);
                Ok(())
            }
            None if ctx.params.is_external() => Err(Error::not_authenticated("Not authenticated")),
            None => Ok(()),
        }
    }
}

/// Names of strategies: a text, or several.
pub trait IntoStrategies {
    /// Returns the names.
    fn into_strategies(self) -> Vec<String>;
}

impl IntoStrategies for &str {
    fn into_strategies(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl<const N: usize> IntoStrategies for [&str; N] {
    fn into_strategies(self) -> Vec<String> {
        self.map(str::to_owned).to_vec()
    }
}
