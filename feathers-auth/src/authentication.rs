//! The builder: which strategies there are, and what is added to an app.

use std::fmt;
use std::sync::Arc;

use feathers_core::{App, AppHandle, Lifecycle, Payload, Plugin, Result};

use crate::admit::Admission;
use crate::auth::{Auth, Check};
use crate::config::AuthConfig;
use crate::service::{AuthenticationService, Session};
use crate::strategy::Strategy;
use crate::ticket::TicketService;

/// Adds authentication to an app.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
/// use feathers::App;
/// use feathers::auth::{ApiKey, AuthConfig, Authentication};
///
/// let config = AuthConfig::new("a secret of 32 bytes or more, please");
/// let authentication = Authentication::new(config)
///     .jwt() // with the token that a login has answered
///     .local("email") // with a password
///     .api_key(ApiKey::keys([("backup", "the key of the backup")])); // for programs
///
/// let mut app = App::new();
/// app.configure(authentication);
/// ```
///
/// It mounts the service `authentication`, whose `create` is a login and whose `remove` a logout, and
/// `authentication/ticket`; [`Auth`] is a setting of the app from then on.
/// Clients that connect with a token in the header of their handshake are logged in before they get events, on every
/// transport, and an invalid token refuses the connection.
#[must_use = "logins work once `App::configure` has it"]
pub struct Authentication {
    pub(crate) config: AuthConfig,
    path: String,
    strategies: Vec<(String, Arc<dyn Strategy>)>,
    checks: Vec<Check>,
    store_path: Option<String>,
    #[cfg(feature = "oauth")]
    pub(crate) oauth: Option<crate::oauth::OAuth>,
}

impl Authentication {
    /// Takes the settings. A missing secret and other mistakes are errors of the start.
    pub fn new(config: AuthConfig) -> Self {
        Self {
            config,
            path: "authentication".to_owned(),
            strategies: Vec::new(),
            checks: Vec::new(),
            store_path: None,
            #[cfg(feature = "oauth")]
            oauth: None,
        }
    }

    /// Mounts the service at another path than `authentication`.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// # use feathers::auth::{AuthConfig, Authentication};
    /// # let config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// let authentication = Authentication::new(config).path("v1/authentication").jwt();
    /// ```
    pub fn path(mut self, path: &str) -> Self {
        path.trim_matches('/').clone_into(&mut self.path);
        self
    }

    /// Adds a strategy, or replaces the one of that name.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// use feathers::auth::{Auth, Identity, Strategy};
    /// use feathers::session::Credentials;
    /// use feathers::{Params, Result, async_trait};
    /// # use feathers::auth::{AuthConfig, Authentication};
    ///
    /// struct Guest;
    ///
    /// #[async_trait]
    /// impl Strategy for Guest {
    ///     async fn authenticate(&self, _: &Credentials, _: &Params, _: &Auth) -> Result<Identity> {
    ///         Ok(Identity::claims([("guest", true)]))
    ///     }
    /// }
    ///
    /// # let config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// let authentication = Authentication::new(config).jwt().strategy("guest", Guest);
    /// ```
    pub fn strategy(mut self, name: &str, strategy: impl Strategy) -> Self {
        self.strategies.retain(|(own, _)| own != name);
        self.strategies.push((name.to_owned(), Arc::new(strategy)));
        self
    }

    /// Checks the record of each user that logs in or makes a call with a token: an error refuses it.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// # use feathers::auth::{AuthConfig, Authentication};
    /// use feathers::Error;
    ///
    /// # let config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// let authentication = Authentication::new(config).jwt().check_user(|user| match user.value()?["banned"] == true {
    ///     true => Err(Error::forbidden("you are banned")),
    ///     false => Ok(()),
    /// });
    /// ```
    pub fn check_user(mut self, check: impl Fn(&Payload) -> Result<()> + Send + Sync + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Keeps revocations in a service of [`Revocation`](crate::Revocation)s, so that they outlive a restart, and other
    /// processes of the same app apply them within a second.
    ///
    /// Without it they are kept in the process. No client may call that service.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// # use feathers::auth::{AuthConfig, Authentication, Revocation};
    /// use feathers::{App, Memory, Method};
    ///
    /// # let (mut app, config) = (App::new(), AuthConfig::new("a secret of 32 bytes or more, please"));
    /// // In an app with a database: `db.store::<Revocation>().await?`.
    /// app.service("revocations", Memory::<Revocation>::new()).methods::<Method>([]);
    /// app.configure(Authentication::new(config).jwt().revocations("revocations"));
    /// ```
    pub fn revocations(mut self, path: &str) -> Self {
        self.store_path = Some(path.to_owned());
        self
    }

    /// Adds everything to an app, and returns what it is run with: for routes of your own and for tests.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
    /// # use feathers::App;
    /// # use feathers::auth::{AuthConfig, Authentication};
    /// # let config = AuthConfig::new("a secret of 32 bytes or more, please");
    /// let mut app = App::new();
    /// let auth = Authentication::new(config).jwt().install(&mut app);
    /// assert!(auth.create_token(Some("1"), Default::default()).is_ok());
    /// ```
    pub fn install(self, app: &mut App) -> Auth {
        #[cfg(feature = "oauth")]
        let (logins, this) = self.with_logins();
        #[cfg(not(feature = "oauth"))]
        let this = self;
        let Self { config, path, strategies, checks, store_path, .. } = this;
        let auth = Auth::new(config, path.clone(), strategies, checks, store_path);
        #[cfg(feature = "oauth")]
        if let Some(logins) = logins {
            logins.mount(app, &auth);
        }
        for header in auth.headers() {
            app.secret_header(header);
        }
        let users = auth.config().service.clone();

        app.insert(auth.clone());
        app.authenticator(Admission(auth.clone()));
        let service = app.service(&path, AuthenticationService(auth.clone()));
        service.around(["create", "remove"], Session(auth.clone())).service_events::<&str>([]);
        app.service(&format!("{path}/ticket"), TicketService(auth.clone())).service_events::<&str>([]);

        let own = auth.clone();
        app.on_disconnect(move |connection, _| {
            own.sessions().remove(connection);
            own.tickets().resumptions().left(connection);
        });
        let own = auth.clone();
        app.on_write(&users, move |write, _| own.written(write));
        let own = auth.clone();
        app.around_setup(move |app, next| start(own.clone(), app, next));
        auth
    }
}

impl Plugin for Authentication {
    fn configure(self, app: &mut App) {
        self.install(app);
    }
}

/// Checks everything when all services are there, and then watches the tokens of connections.
async fn start(auth: Auth, app: AppHandle, next: Lifecycle) -> Result<()> {
    auth.begin(&app);
    next.run().await?;
    auth.start(&app).await
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.strategies.iter().map(|(name, _)| name).collect();
        f.debug_struct("Authentication").field("path", &self.path).field("strategies", &names).finish_non_exhaustive()
    }
}
