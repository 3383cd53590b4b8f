//! A realtime service framework.

pub use feathers_core::*;
#[cfg(feature = "macros")]
pub use feathers_macros::{Service, service};
#[cfg(feature = "sqlite")]
pub use feathers_sql::*;
#[cfg(feature = "rest")]
pub use feathers_transports as transports;

pub mod prelude {
    //! Everything an app usually needs: `use feathers::prelude::*;`.

    pub use feathers_core::{
        App, AroundHook, Connection, Context, Error, Handle, Hook, Id, Json, Memory, Next, Paginate, Params, Payload,
        Publication, Request, Result, async_trait, with,
    };
    #[cfg(feature = "macros")]
    pub use feathers_macros::{Service, service};
    #[cfg(feature = "sqlite")]
    pub use feathers_sql::Database;
    #[cfg(feature = "rest")]
    pub use feathers_transports::{Listen, Server};
    // The trait shares its name with the derive, as `Serialize` does.
    pub use feathers_core::Service;
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::json;
}

#[doc(hidden)]
pub mod __private {
    //! What the macros' output names. Not public API.

    pub use feathers_core as core;
    pub use feathers_core::rt;
    pub use serde;
    pub use serde_json;
}
