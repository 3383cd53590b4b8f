//! Links: a small proxy in front of the server for each client, which can be broken in every way that networks break.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::sabotage::{Filter, Sabotage};

/// Where the server is; `None` while it is down.
pub(super) type Upstream = watch::Receiver<Option<SocketAddr>>;

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// The client reads nothing: what the server writes stays with the server.
    Stalled,
    /// What the client writes does not arrive.
    Deaf,
    /// What the server writes is lost. Connections cannot go on after this, so a cut follows.
    Swallowing,
    /// There are no connections.
    Refusing,
}

#[derive(Clone, Copy, Debug)]
struct Condition {
    fault: Fault,
    /// Connections of an earlier number are reset.
    cuts: u64,
}

/// One client's way to the server.
#[derive(Debug)]
pub(super) struct Link {
    address: SocketAddr,
    condition: watch::Sender<Condition>,
    cuts: Arc<AtomicU64>,
}

/// Bytes that are carried at a time, and that wait in a socket whose client does not read.
const BUFFER: u16 = 16 << 10;

impl Link {
    /// Opens a link; `sabotage` comes with the count of events that all links have carried.
    pub(super) async fn open(upstream: Upstream, sabotage: Option<(Sabotage, Arc<AtomicU64>)>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (condition, watched) = watch::channel(Condition { fault: Fault::None, cuts: 0 });
        let cuts = Arc::new(AtomicU64::new(0));
        let counted = cuts.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = *upstream.borrow();
                let refusing = watched.borrow().fault == Fault::Refusing;
                let Some(server) = server.filter(|_| !refusing) else {
                    let _ = client.set_zero_linger();
                    continue;
                };
                let filter = sabotage.clone().map(|(way, events)| Filter::new(way, events));
                let (watched, counted) = (watched.clone(), counted.clone());
                tokio::spawn(async move {
                    // A connection that fails is an end like any other.
                    let _ = carry(client, server, watched, filter, &counted).await;
                });
            }
        });
        Ok(Self { address, condition, cuts })
    }

    /// Returns the address that the client connects to, without a scheme.
    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Resets all connections.
    pub(super) fn cut(&self) {
        self.condition.send_modify(|condition| condition.cuts += 1);
    }

    /// Breaks the link in this way, or mends it.
    pub(super) fn set(&self, fault: Fault) {
        self.condition.send_modify(|condition| condition.fault = fault);
    }

    /// Tells whether nothing is wrong with it.
    pub(super) fn is_sound(&self) -> bool {
        self.condition.borrow().fault == Fault::None
    }

    /// Returns how many connections have been reset.
    pub(super) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Relaxed)
    }
}

async fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    mut watched: watch::Receiver<Condition>,
    filter: Option<Filter>,
    cuts: &AtomicU64,
) -> io::Result<()> {
    let born = watched.borrow().cuts;
    let socket = TcpSocket::new_v4()?;
    // Small, so that a client that does not read is soon felt by the server.
    socket.set_recv_buffer_size(BUFFER.into())?;
    let mut server = socket.connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (up, down) = (watched.clone(), watched.clone());
    let cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            result = carry_up(from_client, to_server, up) => result.map(|()| false),
            result = carry_down(from_server, to_client, down, filter) => result.map(|()| false),
            _ = watched.wait_for(|condition| condition.cuts != born) => Ok(true),
        }
    };
    if !matches!(cut, Ok(false)) {
        cuts.fetch_add(u64::from(cut.is_ok()), Ordering::Relaxed);
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

async fn carry_up(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut watched: watch::Receiver<Condition>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER.into()];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        let _ = watched.wait_for(|condition| condition.fault != Fault::Deaf).await;
        to.write_all(buffer.get(..length).unwrap_or_default()).await?;
    }
}

async fn carry_down(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut watched: watch::Receiver<Condition>,
    mut filter: Option<Filter>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER.into()];
    let mut swallowed = false;
    loop {
        let _ = watched.wait_for(|condition| condition.fault != Fault::Stalled).await;
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        // No network loses bytes and then delivers the next ones: nothing follows until the connection is cut.
        swallowed |= watched.borrow().fault == Fault::Swallowing;
        let bytes = buffer.get(..length).unwrap_or_default();
        match &mut filter {
            _ if swallowed => {}
            Some(filter) => to.write_all(&filter.pass(bytes)).await?,
            None => to.write_all(bytes).await?,
        }
    }
}
