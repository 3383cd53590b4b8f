//! Everything that is measured: how it is started, how one listens to it and where one publishes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Serialize, Serializer};

use crate::load::{Posting, Wire};
use crate::nchan;
use crate::outcome::Outcome;
use crate::process::{SERVER_CORE, Served, free_port};
use crate::pushpin;
use crate::server::Server;

/// One candidate of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Peer {
    /// This framework: a derive, a before and an after hook, a publish to an empty channel
    Framework,
    /// This framework without hooks
    FrameworkPlain,
    /// This framework, its WebSocket
    FrameworkWs,
    /// This framework, its WebSocket, with events batched for a millisecond
    FrameworkWsGather,
    /// This framework, its Socket.IO
    FrameworkSocketio,
    /// This framework, its server-sent events
    FrameworkSse,
    /// This framework: the example todo, with SQLite
    Todo,
    /// The same without GRIP, so that no cryptography is linked
    TodoWithoutGrip,
    /// axum by hand
    Axum,
    /// A WebSocket broadcast by hand in axum
    AxumWs,
    /// A broadcast over server-sent events by hand in axum
    AxumSse,
    /// A WebSocket broadcast whose frames are made once: the floor
    Preframed,
    /// The crate socketioxide
    Socketioxide,
    /// FeathersJS 5 on koa
    FeathersKoa,
    /// FeathersJS 5 on express
    FeathersExpress,
    /// socket.io 4 under Node
    SocketioNode,
    /// nginx with the module Nchan, its WebSocket
    NchanWs,
    /// nginx with the module Nchan, its server-sent events
    NchanSse,
    /// Pushpin, its server-sent events
    PushpinSse,
}

impl Peer {
    /// Returns its name on the command line and in the tables.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Tells whether it is this framework.
    pub(crate) fn is_ours(self) -> bool {
        matches!(
            self,
            Self::Framework
                | Self::FrameworkPlain
                | Self::FrameworkWs
                | Self::FrameworkWsGather
                | Self::FrameworkSocketio
                | Self::FrameworkSse
                | Self::Todo
                | Self::TodoWithoutGrip
        )
    }

    /// Returns how one listens to it; nothing where it only answers.
    pub(crate) fn wire(self) -> Option<Wire> {
        match self {
            Self::Framework | Self::FrameworkPlain | Self::Todo | Self::TodoWithoutGrip | Self::Axum => None,
            Self::FrameworkWs | Self::FrameworkWsGather => Some(Wire::Realtime),
            Self::FrameworkSse => Some(Wire::Sse("/realtime?transport=sse")),
            Self::AxumSse => Some(Wire::Sse("/messages")),
            Self::NchanWs => Some(Wire::WebSocket("/subscribe")),
            Self::NchanSse => Some(Wire::Sse("/subscribe")),
            Self::PushpinSse => Some(Wire::Sse("/stream")),
            Self::AxumWs | Self::Preframed => Some(Wire::WebSocket("/ws")),
            Self::FrameworkSocketio
            | Self::Socketioxide
            | Self::FeathersKoa
            | Self::FeathersExpress
            | Self::SocketioNode => Some(Wire::SocketIo),
        }
    }

    /// Returns how messages are published.
    pub(crate) fn posting(self) -> Posting {
        match self {
            Self::NchanWs | Self::NchanSse => Posting::Json("/publish"),
            Self::PushpinSse => Posting::Grip,
            _ => Posting::Json("/messages"),
        }
    }

    /// Says what is missing to start it, if anything is.
    pub(crate) fn missing(self) -> Option<&'static str> {
        match self.need() {
            Some("npm") if !folder().join("node/node_modules").is_dir() => Some("run `npm ci` in benches/node"),
            Some("nchan") if !nchan::is_installed() => Some("install the Debian package libnginx-mod-nchan"),
            Some("pushpin") if !pushpin::is_installed() => Some("install the Debian package pushpin"),
            Some("todo") if !self.todo().is_ok_and(|program| program.is_file()) => Some("run `cargo xtask bench cold`"),
            _ => None,
        }
    }

    /// Returns what has to be installed for it.
    fn need(self) -> Option<&'static str> {
        match self {
            Self::FeathersKoa | Self::FeathersExpress | Self::SocketioNode => Some("npm"),
            Self::NchanWs | Self::NchanSse => Some("nchan"),
            Self::PushpinSse => Some("pushpin"),
            Self::Todo | Self::TodoWithoutGrip => Some("todo"),
            _ => None,
        }
    }

    /// Returns where the example is, built beside this program and named as the peer.
    pub(crate) fn todo(self) -> Outcome<PathBuf> {
        Ok(std::env::current_exe()?.with_file_name(self.name()))
    }

    /// Starts it on the core of the servers; what this program serves is served by another build of it where one is
    /// named.
    pub(crate) fn start(self, build: Option<&Path>) -> Outcome<Served> {
        let server = match self {
            Self::Framework => Server::Framework,
            Self::FrameworkPlain => Server::FrameworkPlain,
            Self::FrameworkWs | Self::FrameworkSocketio | Self::FrameworkSse => Server::FrameworkEvents,
            Self::FrameworkWsGather => Server::FrameworkGather,
            Self::Todo | Self::TodoWithoutGrip => return start_todo(&self.todo()?),
            Self::Axum | Self::AxumWs | Self::AxumSse | Self::Preframed | Self::Socketioxide => {
                return Served::start(&by_hand()?, &[&self.name()], SERVER_CORE);
            }
            Self::FeathersKoa => return node("feathers.mjs", "koa"),
            Self::FeathersExpress => return node("feathers.mjs", "express"),
            Self::SocketioNode => return node("socketio.mjs", ""),
            Self::NchanWs | Self::NchanSse => return nchan::start(),
            Self::PushpinSse => return pushpin::start(),
        };
        match build {
            Some(program) => Served::start(program, &["serve", &server.name()], SERVER_CORE),
            None => own(server, SERVER_CORE),
        }
    }
}

/// Starts a server of this program on some cores.
pub(crate) fn own(server: Server, cores: &str) -> Outcome<Served> {
    Served::start(&std::env::current_exe()?, &["serve", &server.name()], cores)
}

fn node(script: &str, argument: &str) -> Outcome<Served> {
    let script = folder().join("node").join(script);
    Served::start(Path::new("node"), &[&script.to_string_lossy(), argument], SERVER_CORE)
}

/// Returns where the peers by hand are, built beside this program.
pub(crate) fn by_hand() -> Outcome<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("by_hand"))
}

/// Starts the example with a database of its own.
fn start_todo(program: &Path) -> Outcome<Served> {
    let port = free_port()?.to_string();
    let folder = tempfile::tempdir()?;
    let database = format!("sqlite:{}", folder.path().join("todo.db").display());
    let variables =
        [("RUST_LOG", "warn"), ("HOST", "127.0.0.1"), ("PORT", port.as_str()), ("DATABASE_URL", database.as_str())];
    Served::start_at(program, &[], &variables, &format!("127.0.0.1:{port}"), folder)
}

/// Returns what has to be installed for some peers.
pub(crate) fn needs(peers: impl Iterator<Item = Peer>) -> BTreeSet<&'static str> {
    peers.filter_map(Peer::need).collect()
}

/// Returns the folder of this package.
pub(crate) fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    folder().parent().unwrap_or(folder()).to_path_buf()
}

impl Serialize for Peer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}
