//! What is measured: the framework, and what a user would write by hand in place of it. One process serves one.

mod axum_rest;
mod axum_sse;
mod axum_ws;
mod framework;
mod message;
mod preframed;
mod socketioxide;
mod store;

use clap::ValueEnum;

use crate::outcome::Outcome;
pub(crate) use message::{Message, SEED, seed};

/// The servers of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// REST through the framework, with hooks and a publisher.
    Framework,
    /// REST through the framework, without hooks.
    FrameworkPlain,
    /// Events through the framework, over all its transports.
    FrameworkEvents,
    /// Logins through the framework.
    Logins,
    /// REST by hand in axum.
    AxumRest,
    /// A WebSocket broadcast by hand in axum.
    AxumWs,
    /// A broadcast over server-sent events by hand in axum.
    AxumSse,
    /// A WebSocket broadcast whose frames are made once.
    Preframed,
    /// A broadcast through the crate socketioxide.
    Socketioxide,
}

impl Server {
    /// Returns its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Serves until the process is ended.
    pub(crate) fn run(self) -> Outcome {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(async {
            match self {
                Self::Framework => framework::rest(framework::Hooks::Some).await,
                Self::FrameworkPlain => framework::rest(framework::Hooks::None).await,
                Self::FrameworkEvents => framework::events().await,
                Self::Logins => crate::kind::logins::serve().await,
                Self::AxumRest => axum_rest::serve().await,
                Self::AxumWs => axum_ws::serve().await,
                Self::AxumSse => axum_sse::serve().await,
                Self::Preframed => preframed::serve().await,
                Self::Socketioxide => socketioxide::serve().await,
            }
        })
    }
}

/// Serves routes written by hand, at a free port.
async fn serve(router: axum::Router) -> Outcome {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    crate::process::announce(listener.local_addr()?);
    let without_delay = axum::serve::ListenerExt::tap_io(listener, |stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(without_delay, router).await?;
    Ok(())
}
