//! The way to the control endpoint of a proxy, on which some of what is published is lost.
//!
//! The server gets the answer that all is well; the proxy must find out from the ids of what follows.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Of so many items, one is lost.
const EVERY: u32 = 15;
/// The largest body.
const LARGEST: usize = 16 << 20;

/// A relay.
#[derive(Debug)]
pub(super) struct Control {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where it forwards to.
    to: String,
    http: reqwest::Client,
    rng: Mutex<StdRng>,
    losing: AtomicBool,
    lost: AtomicU64,
    /// A sabotage: the last item that has gone on of each channel. The next one says that it follows that, so that
    /// the proxy does not find the gap.
    hidden: Option<Mutex<HashMap<String, Value>>>,
}

impl Control {
    /// Opens a relay to a control endpoint; one that `hides` gaps is a sabotage.
    pub(super) async fn open(to: String, seed: u64, hides: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            to,
            http: reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?,
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            losing: AtomicBool::new(true),
            lost: AtomicU64::new(0),
            hidden: hides.then(Mutex::default),
        });
        let own = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = own.clone();
                // A connection that fails is an end like any other.
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        Ok(Self { address, shared })
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loses nothing from now on.
    pub(super) fn mend(&self) {
        self.shared.losing.store(false, Ordering::Relaxed);
    }

    /// Returns how many items were lost.
    pub(super) fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
                if line.trim().is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
            }
            let mut body = vec![0; LARGEST.min(length)];
            stream.read_exact(&mut body).await?;
            self.publish(&body).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nPublished\n").await?;
        }
    }

    /// Passes on what is not lost. An error cuts the connection: what became of it is unknown.
    async fn publish(&self, body: &[u8]) -> io::Result<()> {
        let mut publication: Value = serde_json::from_slice(body)?;
        let Some(items) = publication["items"].as_array_mut() else { return Ok(()) };
        if self.losing.load(Ordering::Relaxed) {
            let before = items.len();
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            items.retain(|_| !rng.random_ratio(1, EVERY));
            self.lost.fetch_add((before - items.len()) as u64, Ordering::Relaxed);
        }
        if let Some(hidden) = &self.hidden {
            let mut hidden = hidden.lock().unwrap_or_else(PoisonError::into_inner);
            for item in items.iter_mut().filter(|item| item["prev-id"].is_string()) {
                let channel = item["channel"].as_str().unwrap_or_default().to_owned();
                if let Some(before) = hidden.insert(channel, item["id"].clone()) {
                    item["prev-id"] = before;
                }
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let sent = self.http.post(format!("http://{}/publish/", self.to)).json(&publication).send().await;
        sent.and_then(reqwest::Response::error_for_status).map(drop).map_err(io::Error::other)
    }
}
