//! The server under test: one service whose events all clients get, and one whose events none gets.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use feathers::log::Retention;
use feathers::prelude::*;
use feathers::transports::{Realtime, Rest, SocketIo};
use serde_json::Value;
use tokio::net::TcpSocket;

use super::sabotage::Sabotage;

/// Names the environment's variable for the number of slots that the event log keeps.
pub(super) const RETAIN: &str = "CHECK_RETAIN";
/// Names the environment's variable for the milliseconds for which events are batched.
pub(super) const GATHER_MS: &str = "CHECK_GATHER_MS";
/// Names the environment's variable for the sabotage.
pub(super) const SABOTAGE: &str = "CHECK_SABOTAGE";

/// How often the server sends something.
const BEAT: Duration = Duration::from_millis(500);
/// How long a client has to answer a ping.
const PONG: Duration = Duration::from_millis(1_500);
/// Of so many events, one is not published.
const UNPUBLISHED: u64 = 40;

/// Bytes that wait in a socket whose client does not read; few, so that it is soon felt.
const BUFFER: u32 = 16 << 10;

/// Serves on a free port until it gets a signal to stop.
pub async fn serve() -> Result<()> {
    // The parent process holds its input: it does not outlive the checker.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
    let sabotage = env::var(SABOTAGE).ok().and_then(|name| name.parse().ok());
    let mut app = App::new();
    let mut retention = Retention::default();
    retention.count = env::var(RETAIN).ok().and_then(|count| count.parse().ok()).unwrap_or(retention.count);
    // The writer is one client, which may fill the log.
    app.retention(retention).caller_percent(100);
    let window = env::var(GATHER_MS).ok().and_then(|millis| millis.parse().ok()).unwrap_or_default();
    app.batch_window(Duration::from_millis(window));
    let events = AtomicU64::new(0);
    app.service("items", Memory::<Document>::new().multi(true).client_ids(true))
        .before("create", hook::with_state(Told(sabotage), refuse))
        .after("all", linger)
        .publish(move |_event, app| {
            let number = events.fetch_add(1, Ordering::Relaxed);
            let lost = sabotage == Some(Sabotage::Unpublished) && number % UNPUBLISHED == UNPUBLISHED - 1;
            (!lost).then(|| app.channel("everybody"))
        });
    // Its events take slots in the log that no client may see.
    app.service("secrets", Memory::<Document>::new().client_ids(true)).publish(|_event, app| app.channel("nobody"));
    app.on_connect(|connection, app| {
        if !connection.query().contains_key("quiet") {
            app.channel("everybody").join(connection);
        }
    });
    let realtime = Realtime::new()
        .heartbeat_interval(BEAT)
        .ping_interval(PONG)
        .session_timeout(Duration::from_secs(2))
        .max_lifetime(Duration::from_secs(8))
        .poll_interval(Duration::from_millis(50));
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(BUFFER)?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    Server::new(app)
        .listener(socket.listen(1_024)?)
        .without_defaults()
        .transport(Rest::new())
        .transport(SocketIo::new().ping_interval(BEAT).ping_timeout(PONG))
        .transport(realtime)
        .shutdown_timeout(Duration::from_secs(3))
        .listen()
        .await
}

/// What the server is to break.
struct Told(Option<Sabotage>);

/// Refuses records that say `fail`.
async fn refuse(told: &Told, ctx: &mut Context) -> Result<()> {
    let data = ctx.data.value()?.clone();
    if data.get("fail").is_none() {
        return Ok(());
    }
    if told.0 == Some(Sabotage::Phantom) {
        ctx.app().service("items")?.emit("created", data);
    }
    Err(Error::bad_request("this one is to fail"))
}

/// Keeps the slot in the log open for a moment, so that later changes are ready before earlier ones.
async fn linger(ctx: &mut Context) -> Result<()> {
    if let Some(pause) = ctx.data.value()?.get("pause").and_then(Value::as_u64) {
        tokio::time::sleep(Duration::from_millis(pause.min(500))).await;
    }
    Ok(())
}
