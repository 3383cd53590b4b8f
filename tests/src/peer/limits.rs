//! Limits that the environment sets, so that a test of the real program reaches them soon.

use std::env;
use std::str::FromStr;
use std::time::Duration;

use feathers::Result;
use feathers::log::Retention;
use feathers::prelude::*;
use feathers::transports::{Realtime, Rest, SocketIo};

/// How many events the log keeps.
const RETENTION_COUNT: &str = "RETENTION_COUNT";
/// How many percent of the log the events of one client may fill.
const CALLER_PERCENT: &str = "CALLER_PERCENT";
/// How often clients are pinged and get heartbeats, and how long their answer may take, in milliseconds.
const PING: &str = "PING_MS";
/// How many bytes a body may have.
const BODY_LIMIT: &str = "BODY_LIMIT";
/// How long a client may take nothing of what is written to it, in milliseconds.
const WRITE_TIMEOUT: &str = "WRITE_TIMEOUT_MS";

/// How long a stream lives, in milliseconds.
const STREAM_LIFETIME: &str = "STREAM_LIFETIME_MS";
/// How many streams there may be.
const MAX_STREAMS: &str = "MAX_STREAMS";

/// Puts an app behind a server with the default transports and the limits of the environment.
pub(super) fn server(mut app: App) -> Result<Server> {
    let mut retention = Retention::default();
    retention.count = read(RETENTION_COUNT)?.unwrap_or(retention.count);
    app.retention(retention);
    if let Some(percent) = read(CALLER_PERCENT)? {
        app.caller_percent(percent);
    }
    // What `Server` would give it.
    let mut rest = Rest::new().timeout(Duration::from_secs(30));
    let (mut socketio, mut realtime) = (SocketIo::new(), Realtime::new());
    if let Some(bytes) = read(BODY_LIMIT)? {
        rest = rest.max_body(bytes);
    }
    if let Some(ping) = read(PING)?.map(Duration::from_millis) {
        socketio = socketio.ping_interval(ping).ping_timeout(ping);
        realtime = realtime.ping_interval(ping).heartbeat_interval(ping);
    }
    if let Some(lifetime) = read(STREAM_LIFETIME)?.map(Duration::from_millis) {
        realtime = realtime.max_lifetime(lifetime);
    }
    if let Some(streams) = read(MAX_STREAMS)? {
        realtime = realtime.max_streams(streams);
    }
    let mut server = Server::new(app).without_defaults().transport(rest).transport(socketio).transport(realtime);
    if let Some(timeout) = read(WRITE_TIMEOUT)?.map(Duration::from_millis) {
        server = server.write_timeout(timeout);
    }
    Ok(server)
}

pub(super) fn read<T: FromStr>(name: &str) -> Result<Option<T>> {
    let Ok(text) = env::var(name) else { return Ok(None) };
    let number = text.parse().map_err(|_| Error::general(format!("{name} must be a whole number, not '{text}'")))?;
    Ok(Some(number))
}
