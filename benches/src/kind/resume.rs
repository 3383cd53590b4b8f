//! Clients that resume at once and have missed events, beside live delivery of the same server.
//!
//! Their connections are there already; what is measured begins when they say from where they go on. For server-sent
//! events that is the request. No call may read records meanwhile.

use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::spawn_local;

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Ledger, Listeners, Pace, Phase, Publisher, Wire, message};
use crate::outcome::{Outcome, float};
use crate::peer::Peer;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::usage::Window;

/// No peer here can do it.
pub(super) const PEERS: [Peer; 3] = [Peer::FrameworkWs, Peer::FrameworkSocketio, Peer::FrameworkSse];

const CLIENTS: [u64; 1] = [1_000];
const MISSED: u64 = 500;
const PATIENCE: Duration = Duration::from_secs(8);

const OF_LIVE: Metric = Metric::new("of live", 2);
const READS: Metric = Metric::new("calls that read", 0);
const RATE: Metric = Metric::new("resumed deliveries/s", 0);
const METRICS: [Metric; 5] =
    [RATE, Metric::new("live deliveries/s", 0), OF_LIVE, Metric::new("CPU µs a delivery", 2), READS];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let clients = bench.subscribers(&CLIENTS);
    let goals = clients.iter().flat_map(|count| {
        PEERS.into_iter().flat_map(|peer| {
            let goal = |metric, limit| Goal { work: name(*count), peer, metric, limit };
            [goal(OF_LIVE, Limit::AtLeast(0.5)), goal(READS, Limit::AtMost(0.0))]
        })
    });
    let mut report = Report::new(Kind::Resume, &METRICS, None, goals.collect());
    let peers = bench.ready(&PEERS);
    let cells: Vec<Cell<u64>> =
        clients.iter().flat_map(|count| peers.iter().map(|peer| Cell::new(*count, *peer))).collect();
    let time = bench.time(Duration::from_secs(3), Duration::from_secs(1));
    bench.measure(&mut report, &cells, |cell| Ok(vec![sample(cell, time)?]))?;
    Ok((report, clients.iter().map(|count| Panel::new(&name(*count), RATE)).collect()))
}

fn name(clients: u64) -> String {
    format!("{clients} clients, {MISSED} events each")
}

fn sample(cell: &Cell<u64>, time: Duration) -> Outcome<Sample> {
    let Cell { work: clients, peer, .. } = *cell;
    let wire = peer.wire().ok_or("nothing to listen to")?;
    let served = cell.start()?;
    let authority = served.authority.as_str();
    load::run(async {
        let ledger = Rc::new(Ledger::new());
        let live = {
            let _listeners = load::connect(authority, wire, clients, &ledger).await?;
            let mut publisher = Publisher::connect(authority, peer.posting()).await?;
            let phase = Phase { pace: Pace::InFlight(16), time, subscribers: clients };
            phase.run(&mut publisher, &ledger).await?.rate()
        };
        let mut upgraded = Vec::new();
        for _ in 0..clients {
            upgraded.push(wire.upgrade(authority, None).await?);
        }
        let cursor = cursor(authority).await?;
        let missed = vec![message(1); usize::try_from(MISSED)?].join(",");
        ask(authority, "POST", "/messages", &format!("[{missed}]")).await?;

        let reads = ask(authority, "GET", "/reads", "").await?;
        ledger.begin_with_old();
        let window = Window::open(served.pids())?;
        let joins: Vec<_> = upgraded
            .into_iter()
            .map(|upgraded| {
                let (cursor, ledger) = (cursor.clone(), ledger.clone());
                spawn_local(async move {
                    let opened = upgraded.join(&cursor).await.map_err(|error| error.to_string())?;
                    Ok::<_, String>(load::listen(opened, wire, ledger))
                })
            })
            .collect();
        let mut listeners = Listeners::default();
        for join in joins {
            listeners.extend([join.await??]);
        }
        let complete = ledger.wait_for(clients * MISSED, PATIENCE).await;
        let used = window.close()?;
        if !complete {
            return Err(format!("{} of {} events have come", ledger.delivered(), clients * MISSED).into());
        }
        let delivered = float(ledger.delivered());
        let read = ask(authority, "GET", "/reads", "").await? - reads;
        let rate = delivered / used.elapsed;
        let values = vec![rate, live, rate / live, used.total * 1e6 / delivered, read];
        Ok(Sample { work: name(clients), foreign: used.foreign, values })
    })
}

/// Returns where the log stands.
async fn cursor(authority: &str) -> Outcome<String> {
    let greeting = Wire::Realtime.open(authority).await?.greeting;
    let (_, rest) = greeting.split_once(r#""cursor":""#).ok_or("a greeting without a cursor")?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

/// Makes a request, and returns the number that is the answer, if it is one.
async fn ask(authority: &str, method: &str, path: &str, body: &str) -> Outcome<f64> {
    let mut stream = TcpStream::connect(authority).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut buffer = Vec::new();
    let body = load::exchange(&mut stream, request.as_bytes(), &mut buffer).await?;
    let text = String::from_utf8_lossy(buffer.get(body).unwrap_or_default()).into_owned();
    Ok(text.parse().unwrap_or(f64::NAN))
}
