//! What is measured: servers on the framework. One process serves one.

mod framework;
mod message;

use std::time::Duration;

use clap::ValueEnum;

use crate::kind::channels::CHANNELS;
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
    /// The same, with events batched for a millisecond.
    FrameworkGather,
    /// Events to one channel.
    Room,
    /// Events to one of 100,000 channels each.
    Rooms,
    /// Logins through the framework.
    Logins,
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
                Self::FrameworkEvents => framework::events(Duration::ZERO).await,
                Self::FrameworkGather => framework::events(Duration::from_millis(1)).await,
                Self::Room => framework::rooms(1).await,
                Self::Rooms => framework::rooms(CHANNELS).await,
                Self::Logins => crate::kind::logins::serve().await,
            }
        })
    }
}
