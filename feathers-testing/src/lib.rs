//! Tests of apps, stores and logs: a client in the process, a log with faults, and the contract that stores keep.
//!
//! It is a dependency for tests only: `feathers-testing = "0.1"` under `[dev-dependencies]`, beside `tokio` with the
//! features `macros`, `rt-multi-thread` and `test-util`. Everything here panics when an expectation fails, as tests do.
//!
//! Clients for servers on a port are features: `sse`, `websocket`, and `socketio` over polling and on WebSockets.
//! So is `logs`, which keeps what is logged.
//!
//! ```
//! # use feathers_core::facade as feathers;
//! use feathers::{App, Document, Memory};
//! use feathers_testing::Client;
//! use serde_json::json;
//!
//! // In a test: #[tokio::test(start_paused = true)]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> feathers::Result<()> {
//! let mut app = App::new();
//! app.service("todos", Memory::<Document>::new());
//! let app = app.start().await?;
//!
//! let client = Client::connect(&app).await;
//! let todo = client.service("todos").create(json!({ "text": "milk" })).await?;
//! assert_eq!(todo["text"], "milk");
//! # Ok(())
//! # }
//! ```

#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

mod accounts;
#[cfg(feature = "logs")]
mod captured_logs;
mod client;
#[cfg(feature = "sse")]
pub mod event_source;
mod everything;
mod framework;
pub mod log;
mod orgs;
pub mod presence;
mod records;
#[cfg(feature = "socketio")]
pub mod socketio;
#[cfg(feature = "sse")]
pub mod sse;
pub mod store;
#[cfg(feature = "websocket")]
pub mod websocket;

pub use self::accounts::{Account, AccountDraft, AccountPatchDraft};
#[cfg(feature = "logs")]
pub use self::captured_logs::CapturedLogs;
pub use self::client::{Client, ClientService, ReceivedEvent};
pub use self::everything::{Everything, EverythingPatch};
pub use self::log::SharedLog;
pub use self::orgs::{
    Job, JobDraft, JobPatchDraft, Org, OrgDraft, OrgPatchDraft, Worker, WorkerDraft, WorkerPatchDraft,
};
pub use self::records::{Note, NoteData, NotePatch, Person, PersonData, PersonPatch};
