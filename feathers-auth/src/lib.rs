//! Authentication: the service, strategies, tokens and hooks that Feathers clients know.
//!
//! The official authentication client works unchanged: `create` on the service `authentication` is a login with a
//! strategy, and answers a token; `remove` is a logout. [`Authentication`] adds it to an app, and the hook
//! [`authenticate`] protects services.
//!
//! ```
//! # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
//! use feathers::auth::{AuthConfig, Authentication, authenticate, hash_password};
//! use feathers::{App, Document, Memory};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> feathers::Result<()> {
//! let mut app = App::new();
//! app.service("users", Memory::<Document>::new()).before(["create", "update", "patch"], hash_password("password"));
//! app.service("notes", Memory::<Document>::new()).before("all", authenticate("jwt"));
//! app.configure(Authentication::new(AuthConfig::new("a secret of 32 bytes or more, please")).jwt().local("email"));
//!
//! let app = app.start().await?;
//! app.service("users")?.create(json!({ "email": "ada@example.com", "password": "enchantress" }), ()).await?;
//! let login = json!({ "strategy": "local", "email": "ada@example.com", "password": "enchantress" });
//! let login = app.service("authentication")?.create(login, ()).await?;
//! assert_eq!(login.value()?["user"]["email"], "ada@example.com");
//! # Ok(())
//! # }
//! ```

#[doc(hidden)]
pub(crate) mod framework {
    //! Where the derive macro finds what it names.

    pub(crate) mod __private {
        pub(crate) use ::serde;
        pub(crate) use feathers_core as core;
        pub(crate) use feathers_core::private::*;
    }
}

mod admit;
mod auth;
mod authenticated;
mod authentication;
mod changes;
mod config;
mod cookie;
mod hook;
mod layer;
mod limit;
mod moment;
mod oauth;
mod password;
mod password_hook;
mod resumption;
mod revocation;
mod service;
mod sessions;
mod strategy;
mod ticket;
mod token;

pub use crate::auth::Auth;
pub use crate::authenticated::{Authenticated, CurrentUser};
pub use crate::authentication::Authentication;
pub use crate::config::{
    AuthConfig, CookieConfig, JwtConfig, KeyConfig, LimitConfig, LocalConfig, PasswordConfig, SameSite, Secret,
    TicketConfig,
};
pub use crate::hook::{Authenticate, IntoStrategies, authenticate};
pub use crate::layer::{AuthLayer, AuthService};
#[cfg(feature = "oauth")]
pub use crate::oauth::{OAuth, Profile};
pub use crate::oauth::{OAuthConfig, ProviderConfig};
pub use crate::password::{Match, Passwords};
pub use crate::password_hook::{HashPassword, hash_password};
pub use crate::revocation::Revocation;
pub use crate::strategy::*;
