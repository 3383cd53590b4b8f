//! Events: who gets a change, and how.
//!
//! A publisher looks at a [`Publication`] and returns channels, by name or as a [`Channel`] with a mask or filter.
//! Each connection in one of them has the event in its [`Subscription`], in the order of the log.

pub use crate::{
    Cause, Channel, DeliveredEvent, Delivery, Event, IntoChannelNames, IntoChannels, Publication, Subscription,
    WireFormat,
};
