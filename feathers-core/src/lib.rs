//! Services, hooks, events, channels and the event log: the transport-independent core.
//!
//! A call goes one way: a transport decodes it, and [`AppHandle::call`] runs it through the hooks to the [`Service`].
//! Its events go to [`Channel`]s and into the [`EventLog`], where the [`Subscription`]s of the members read them.
//! The core knows no HTTP server, no database and no protocol.

// From the ground up: each uses only those above it.

mod data;

mod event;

mod store;

mod call;

mod crud;

mod hooks;
mod presence;

#[doc(hidden)]
pub mod facade;
pub mod metrics;
#[doc(hidden)]
pub mod private;

pub use async_trait::async_trait;

pub use crate::data::data_type::DataType;
pub use crate::data::draft::Draft;
pub use crate::data::error::{Error, ErrorKind, Result};
pub use crate::data::field::{FieldRef, FieldType, FieldValue, from_json_field, to_json_field};
pub use crate::data::field_names::IntoFieldNames;
pub use crate::data::id::Id;
pub use crate::data::mask::FieldMask;
pub use crate::data::payload::Payload;
pub use crate::data::query::{
    Comparison, Condition, FieldOperand, FieldPath, Filter, FindResult, Order, Ordered, Paginate, Query, QueryOptions,
    TypedField,
};
pub use crate::data::record::{Columns, Document, Record, lookup_inside, wrong_id};
pub use crate::data::related::{Related, RelatedField, RelatedMany};
pub use crate::data::schema::constraint::{Constraints, OnDelete, Reference, Unique, fold_case};
pub use crate::data::schema::{Field, Many, Relation, RelationKind, Rule, Schema};
pub use crate::data::type_schema::{Described, TypeSchema};
pub use crate::data::types::{Bytes, Duration, FixedPoint, ListItem};
pub use crate::data::{duration, query};

pub use crate::event::change::{Change, Image, StoreChange};
pub use crate::event::channel::{Channel, IntoChannelNames, IntoChannels};
pub use crate::event::commit::Commit;
pub use crate::event::connection::{Connection, DisconnectReason, UnderWay};
pub use crate::event::credentials::Credentials;
pub use crate::event::headers::Headers;
pub use crate::event::log::{
    Cursor, CursorText, Entry, EntryTarget, Epoch, EventLog, Follower, ForAudience, Interest, LogBounds, LogEngine,
    LogItem, LogRead, LoggedEvent, PastEpoch, Reset, ResetReason, Retention, Since,
};
pub use crate::event::membership::{Departure, MembershipHistory, RecentMemberships, ReplayStart, Replayable};
pub use crate::event::provider::Provider;
pub use crate::event::secret_headers::{API_KEY, CONNECTION_TOKEN, SecretHeaders};
pub use crate::event::store_id::StoreId;
pub use crate::event::subscription::{DeliveredEvent, Delivery, Subscription};
pub use crate::event::{Event, WireFormat};

pub use crate::store::{
    Aggregate, AggregateRow, CancelOnDrop, Cancellation, Cascade, Cleared, Counter, FoundPerKey, MAX_CHANGES, Measure,
    MemoryStore, PerKey, Relations, Removed, Store, StoreContext,
};

pub use crate::call::access::{Access, AccessRecord, AccessRule, Anonymous};
pub use crate::call::app::{
    App, AppHandle, Call, IntoMount, IntoPopulate, Lifecycle, Mount, Page, Plugin, Populate, Reply, ResolvedRoute,
    ServiceHandle, ServiceInfo, TypedService, Write, caller_has_gone,
};
pub use crate::call::arguments::{FromId, FromPayload};
pub use crate::call::authenticator::{Authenticator, HandshakeCredentials, Login, Resumption};
pub use crate::call::context::{Context, Http, Original};
pub use crate::call::crud_options::{CrudOptions, Multi};
pub use crate::call::drafts::Drafts;
pub use crate::call::extract::{Caller, FromRequest, Route};
pub use crate::call::hook;
pub use crate::call::hook::{AroundHook, Hook, MethodFilter, Next, Phase};
pub use crate::call::method::Method;
pub use crate::call::params::{CrossSite, Params, RouteParams};
pub use crate::call::publish::{Cause, Publication};
pub use crate::call::route::Encoding;
pub use crate::call::service::{Descriptor, MethodInfo, Request, RequestParts, Service};
pub use crate::call::session::{Handshake, Session};
pub use crate::call::set_context::SetContext;

pub use crate::crud::{Crud, Memory, MemoryDatabase};
