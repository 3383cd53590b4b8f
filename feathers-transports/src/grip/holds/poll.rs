//! Polls at a proxy: one that would wait here is held there, with what the client gets if nothing comes as its body.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use feathers_core::Result;

use crate::grip::item::VAR_SUBST;
use crate::grip::{HoldPosition, LEASE, Proxied, hold};
use crate::realtime::poll::{Batch, Turn};

/// A shorter wait is waited here: proxies hold for this long at least.
const SHORTEST: Duration = Duration::from_secs(5);

/// Where a poll is held.
pub(super) struct Hold {
    held_at: HoldPosition,
    own: Arc<str>,
    wait: Duration,
}

/// Finds out where a poll is held; `None` if there is something to answer, or too little time to wait for it.
pub(super) fn hold(proxied: &Proxied, turn: &Turn, batch: &mut Batch, wait: Duration) -> Option<Hold> {
    if wait < SHORTEST || !proxied.has(&format!("filter:{VAR_SUBST}")) {
        return None;
    }
    let origin = proxied.origin();
    let connection = turn.connection();
    origin.watch(connection);
    // Before anything is read, so that no change is missed.
    origin.hold(connection);
    let (held_at, whole) = super::hold_position(
        || origin.position(connection, false, wait + LEASE),
        || {
            turn.take_ready(batch);
            batch.cursor()
        },
    );
    if !whole || !batch.is_blank() || connection.is_closed() {
        return None;
    }
    turn.stay(wait);
    Some(Hold { held_at, own: origin.own_channel(connection), wait })
}

impl Hold {
    /// Puts it on the answer.
    pub(super) fn instruct(&self, response: &mut Response, token: &str) -> Result<()> {
        hold::response(response, &self.held_at, &self.own, token, self.wait)
    }
}
