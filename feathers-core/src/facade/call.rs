//! A call on its way through the app: what a transport hands in, and what it gets back.
//!
//! A transport makes a [`Call`], runs it with [`AppHandle::call`](crate::AppHandle::call), and encodes the [`Reply`].
//! What a hook or a service finds in [`Params`](crate::Params) and [`Context`](crate::Context) beside data is here too:
//! the [`Provider`], the values of the path ([`RouteParams`]), and the settings of the answer over HTTP ([`Http`]).

pub use crate::{Call, CrossSite, Encoding, Http, Provider, Reply, ResolvedRoute, RouteParams, caller_has_gone};
