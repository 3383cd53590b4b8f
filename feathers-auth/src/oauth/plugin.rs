//! What is added to an app: a strategy for each provider, and the two services of a login.

use std::fmt;
use std::sync::Arc;

use feathers_core::{App, Payload, Result};
use serde_json::Value;

use super::answer::Redirect;
use super::flow::Flow;
use super::profile::Profile;
use super::service::{CallbackService, StartService};
use super::strategy::OAuthStrategy;
use crate::auth::Auth;
use crate::authentication::Authentication;

pub(super) type Mapper = Arc<dyn Fn(&Profile, Option<&Payload>) -> Result<Value> + Send + Sync>;

/// How logins through other sites become users.
#[derive(Clone, Default)]
pub struct OAuth {
    pub(super) mapper: Option<Mapper>,
}

impl OAuth {
    /// Stores nothing of a profile but its id, as `githubId` for the provider `github`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what else is stored of a profile, at each login. The record is there if it is not the first one.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// use feathers::auth::{AuthConfig, Authentication, OAuth};
    /// use serde_json::json;
    ///
    /// # let config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// let oauth = OAuth::new().data(|profile, existing| match existing {
    ///     None => Ok(json!({ "name": profile.text("name") })),
    ///     Some(_) => Ok(json!({})),
    /// });
    /// let authentication = Authentication::new(config).jwt().oauth_with(oauth);
    /// ```
    ///
    /// An email never finds a record: otherwise an attacker could take over the account of another user, by entering
    /// that user's address at the provider. Accounts are linked by a user that is logged in.
    pub fn data(
        mut self,
        mapper: impl Fn(&Profile, Option<&Payload>) -> Result<Value> + Send + Sync + 'static,
    ) -> Self {
        self.mapper = Some(Arc::new(mapper));
        self
    }
}

impl Authentication {
    /// Lets clients log in through the providers of the section `oauth`.
    ///
    /// It mounts `oauth/:provider` and `oauth/:provider/callback`. The strategies have the names of the providers, and
    /// only the callback can use them: a `create` from outside with such a strategy is a 401.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// use feathers::auth::{AuthConfig, Authentication, ProviderConfig};
    ///
    /// let mut config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// config.oauth.origin = Some("https://app.example".into());
    /// config.oauth.providers.insert("github".into(), ProviderConfig::new("id", "secret"));
    /// let authentication = Authentication::new(config).jwt().oauth();
    /// ```
    pub fn oauth(self) -> Self {
        self.oauth_with(OAuth::new())
    }

    /// Does the same, with more of the profile in the records.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// use feathers::auth::OAuth;
    /// use serde_json::json;
    /// # use feathers::auth::{AuthConfig, Authentication};
    ///
    /// # let config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// let oauth = OAuth::new().data(|profile, _| Ok(json!({ "name": profile.text("name") })));
    /// let authentication = Authentication::new(config).jwt().oauth_with(oauth);
    /// ```
    pub fn oauth_with(mut self, oauth: OAuth) -> Self {
        self.oauth = Some(oauth);
        self
    }

    /// Reads the settings and adds the strategies. What is wrong with the settings is an error of the start.
    pub(crate) fn with_logins(mut self) -> (Option<Logins>, Self) {
        let Some(oauth) = self.oauth.take() else { return (None, self) };
        let flow = Flow::new(&self.config);
        for name in flow.names() {
            self = self.strategy(name, OAuthStrategy::new(name, &oauth));
        }
        (Some(Logins(Arc::new(flow))), self)
    }
}

/// The logins of an app, before it runs.
pub(crate) struct Logins(Arc<Flow>);

impl Logins {
    /// Mounts the services, without events.
    pub(crate) fn mount(self, app: &mut App, auth: &Auth) {
        let start = StartService { flow: self.0.clone(), auth: auth.clone() };
        app.service("oauth/:provider", start).around("find", Redirect).service_events::<&str>([]);
        let callback = CallbackService { flow: self.0, auth: auth.clone() };
        let mount = app.service("oauth/:provider/callback", callback);
        mount.around(["find", "create"], Redirect).service_events::<&str>([]);
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("data", &self.mapper.is_some()).finish()
    }
}
