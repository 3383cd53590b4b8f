//! A hook that refuses calls over some transports.

use async_trait::async_trait;

use crate::call::context::Context;
use crate::call::hook::Hook;
use crate::data::error::{Error, Result};
use crate::event::provider::Provider;

/// Refuses calls that come through one of these transports, with a 405.
///
/// What no client may call at all, [`Mount::methods`](crate::Mount::methods) leaves out.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::call::Provider;
/// use feathers::hook::disallow;
/// use feathers::{App, Document, Memory};
///
/// let mut app = App::new();
/// // A page of another site cannot send these by a form.
/// app.service("payments", Memory::<Document>::new()).before("create", disallow([Provider::REST]));
/// ```
pub fn disallow(providers: impl IntoIterator<Item = Provider>) -> Disallow {
    Disallow { providers: providers.into_iter().collect() }
}

/// The hook that [`disallow`] makes.
#[derive(Clone, Debug)]
pub struct Disallow {
    providers: Vec<Provider>,
}

#[async_trait]
impl Hook for Disallow {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        match ctx.params.provider {
            Some(provider) if self.providers.contains(&provider) => {
                let method = ctx.method();
                Err(Error::method_not_allowed(format!("Provider '{provider}' can not call '{method}'")))
            }
            _ => Ok(()),
        }
    }
}
