//! Services, hooks, events, channels and the event log: the transport-independent core.
//!
//! A call goes one way: a transport decodes it, and [`AppHandle::call`] runs it through the hooks to the [`Service`].
//! Its events go to [`Channel`]s and into the [`EventLog`], where the [`Subscription`]s of the members read them.
//! The core knows no HTTP server, no database and no protocol.

mod app;
mod arguments;
mod authenticator;
mod blocking;
mod channel;
mod commit;
mod connection;
mod context;
mod credentials;
pub mod duration;
mod error;
mod event;
mod field;
mod fit;
mod guard;
mod headers;
pub mod hook;
mod id;
mod log;
mod mask;
mod membership;
mod method;
mod mistake;
mod number;
mod params;
mod payload;
mod publish;
pub mod query;
mod record;
mod route;
#[doc(hidden)]
pub mod rt;
mod schema;
mod scratch;
mod secret_headers;
mod selection;
mod service;
mod session;
mod store;
mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
mod vet;

pub use async_trait::async_trait;

pub use crate::app::{
    App, AppHandle, Call, IntoMount, Lifecycle, Mount, Page, Plugin, Reply, Route, ServiceHandle, ServiceInfo,
    TypedService, Write, caller_has_gone,
};
pub use crate::arguments::{FromId, FromPayload};
pub use crate::authenticator::{Authenticator, HandshakeCredentials, Login, Resumption};
pub use crate::channel::{Channel, IntoChannelNames, IntoChannels};
pub use crate::commit::Commit;
pub use crate::connection::{Connection, DisconnectReason, UnderWay};
pub use crate::context::{Context, Http, Original, Phase};
pub use crate::credentials::Credentials;
pub use crate::error::{Error, ErrorKind, Result};
pub use crate::event::{Event, WireFormat};
pub use crate::field::{FieldRef, FieldType, FieldValue, from_json_field, to_json_field};
pub use crate::headers::Headers;
pub use crate::hook::{AroundHook, Hook, MethodFilter, Next};
pub use crate::id::Id;
pub use crate::log::{
    Cursor, Entry, EntryTarget, Epoch, EventLog, EventTarget, Follower, LogBounds, LogEngine, LogItem, LogRead,
    LoggedEvent, Reset, ResetReason, Retention, Since,
};
pub use crate::mask::FieldMask;
pub use crate::membership::{Departure, MembershipHistory, RecentMemberships, ReplayStart, Replayable};
pub use crate::method::Method;
pub use crate::params::{CrossSite, Params, Provider, RouteParams};
pub use crate::payload::Payload;
pub use crate::publish::{Cause, Publication};
pub use crate::query::{Comparison, FieldPath, Filter, Order, Paginate, Query, QueryOptions};
pub use crate::record::{Columns, Document, Record, lookup_inside, wrong_id};
pub use crate::route::Encoding;
pub use crate::schema::{DataType, Field, Rule, Schema};
pub use crate::secret_headers::{CONNECTION_TOKEN, SecretHeaders};
pub use crate::service::{Descriptor, MethodInfo, Request, Service};
pub use crate::session::{Handshake, Session};
pub use crate::store::{Counter, Crud, CrudOptions, FindResult, Memory, MemoryStore, Multi, Store};
pub use crate::subscription::{DeliveredEvent, Delivery, Subscription};
