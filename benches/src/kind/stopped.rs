//! Clients that have stopped reading: what they cost the server, and those that read on.
//!
//! No peer is measured: a hand-written broadcast cuts such clients off, and a server under Node that writes to a
//! thousand clients does not keep the pace of the messages.

use std::cell::Cell as Shared;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::interval;

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Ledger, Pace, Phase, Publisher};
use crate::outcome::{Outcome, float};
use crate::peer::Peer;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::usage::{Memory, Window, memory};

pub(super) const PEERS: [Peer; 3] = [Peer::FrameworkWs, Peer::FrameworkSocketio, Peer::FrameworkSse];

const STOPPED: [u64; 1] = [1_000];
const READERS: u64 = 10;
/// Messages a second.
const RATE: f64 = 1_000.0;
/// As many events as the log of the framework keeps.
const LOG: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the buffers of the system may take to be full: they hold some thousand messages for each client.
const SETTLING: Duration = Duration::from_secs(10);
/// What the system takes in for a client that does not read; the least that it allows.
const BUFFER: u32 = 4 << 10;

const GROWTH: Metric = Metric::new("memory grows by MB", 1);
const OF_ALONE: Metric = Metric::new("p99 of alone", 2);
const METRICS: [Metric; 5] =
    [GROWTH, Metric::new("p99 ms", 2), Metric::new("p99 alone ms", 2), OF_ALONE, Metric::new("lost", 0)];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let stopped = bench.subscribers(&STOPPED);
    let goals = stopped.iter().flat_map(|count| {
        PEERS.into_iter().flat_map(|peer| {
            let goal = |metric, limit| Goal { work: name(*count), peer, metric, limit };
            [goal(GROWTH, Limit::AtMost(20.0)), goal(OF_ALONE, Limit::AtMost(1.2))]
        })
    });
    let mut report = Report::new(Kind::Stopped, &METRICS, None, goals.collect());
    let peers = bench.ready(&PEERS);
    let cells: Vec<Cell<u64>> =
        stopped.iter().flat_map(|count| peers.iter().map(|peer| Cell::new(*count, *peer))).collect();
    let time = bench.time(Duration::from_mins(1), Duration::from_secs(10));
    bench.measure(&mut report, &cells, |cell| Ok(vec![sample(cell, time)?]))?;
    let panels = stopped.iter().flat_map(|count| [GROWTH, OF_ALONE].map(|metric| Panel::new(&name(*count), metric)));
    Ok((report, panels.collect()))
}

fn name(stopped: u64) -> String {
    format!("{stopped} stopped clients")
}

fn sample(cell: &Cell<u64>, time: Duration) -> Outcome<Sample> {
    let Cell { work: stopped, peer, .. } = *cell;
    let wire = peer.wire().ok_or("nothing to listen to")?;
    let served = cell.start()?;
    load::run(async {
        let ledger = Rc::new(Ledger::new());
        let _readers = load::connect(&served.authority, wire, READERS, &ledger).await?;
        // No publisher stays idle: servers close connections on which nothing comes.
        let publisher = async || Publisher::connect(&served.intake, peer.posting()).await;
        let mut filling = publisher().await?;
        // Two requests, since bodies are limited.
        for half in 1..=2_u64 {
            filling.publish_many(&ledger, LOG / 2).await?;
            ledger.wait_for(half * READERS * LOG as u64 / 2, PATIENCE).await;
        }
        let phase = |time| Phase { pace: Pace::PerSecond(RATE), time, subscribers: READERS };
        let alone = phase(time / 3).run(&mut filling, &ledger).await?;

        let mut held = Vec::new();
        for _ in 0..stopped {
            held.push(wire.upgrade(&served.authority, Some(BUFFER)).await?.join("now").await?);
        }
        let mut publishing = publisher().await?;
        phase(SETTLING).run(&mut publishing, &ledger).await?;
        let before = memory(&served.pids(), Memory::Resident);
        let most = Rc::new(Shared::new(before));
        let watcher = spawn_local(watch(served.pids(), most.clone()));
        let window = Window::open(served.pids())?;
        let beside = phase(time).run(&mut publishing, &ledger).await?;
        let used = window.close()?;
        watcher.abort();
        let growth = (most.get() - before) * 1024.0 / 1e6;
        let values = vec![growth, beside.p99, alone.p99, beside.p99 / alone.p99, float(beside.lost)];
        Ok(Sample { work: name(stopped), foreign: used.foreign, values })
    })
}

/// Looks at the memory now and then, and keeps the most.
async fn watch(pids: Vec<u32>, most: Rc<Shared<f64>>) {
    let mut pace = interval(Duration::from_millis(500));
    loop {
        pace.tick().await;
        most.set(most.get().max(memory(&pids, Memory::Resident)));
    }
}
