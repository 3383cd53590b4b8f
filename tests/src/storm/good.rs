//! Good clients: they call every few milliseconds, over REST and Socket.IO, and note how long it takes.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::client::SocketClient;

/// How many clients there are of each kind.
const CLIENTS: usize = 4;
/// How long one waits between two calls.
const PAUSE: Duration = Duration::from_millis(5);

/// How long calls took, and how many failed.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    sorted: Vec<Duration>,
    pub(super) failed: usize,
}

impl Latencies {
    /// Returns the time that so many of a hundred calls took at most.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.sorted.len() * percent / 100).min(self.sorted.len().saturating_sub(1));
        self.sorted.get(index).copied().unwrap_or_default()
    }

    pub(super) fn calls(&self) -> usize {
        self.sorted.len()
    }
}

/// Runs good clients for so long.
pub(super) async fn run(server: SocketAddr, time: Duration) -> Latencies {
    let until = Instant::now() + time;
    let url = format!("http://{server}");
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(tokio::spawn(rest(url.clone(), until)));
        clients.push(tokio::spawn(socket(url.clone(), until)));
    }
    let mut all = Latencies::default();
    for client in clients {
        match client.await {
            Ok((times, failed)) => {
                all.sorted.extend(times);
                all.failed += failed;
            }
            // It panicked, since it could not connect or was not answered.
            Err(_) => all.failed += 1,
        }
    }
    all.sorted.sort_unstable();
    all
}

type Times = (Vec<Duration>, usize);

async fn rest(url: String, until: Instant) -> Times {
    let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < until {
        let started = Instant::now();
        let answer = client.get(format!("{url}/notes?$limit=10")).send().await;
        let good = match answer {
            Ok(answer) => answer.status().is_success() && answer.bytes().await.is_ok(),
            Err(_) => false,
        };
        times.push(started.elapsed());
        failed += usize::from(!good);
        tokio::time::sleep(PAUSE).await;
    }
    (times, failed)
}

async fn socket(url: String, until: Instant) -> Times {
    let mut client = SocketClient::connect(&url).await;
    let (mut times, mut failed) = (Vec::new(), 0);
    while Instant::now() < until {
        let started = Instant::now();
        let answer = client.call(&json!(["get", "notes", 1])).await;
        times.push(started.elapsed());
        failed += usize::from(!answer.first().is_some_and(serde_json::Value::is_null));
        tokio::time::sleep(PAUSE).await;
    }
    (times, failed)
}
