//! REST: the same routes everywhere, asked in a closed loop.

use std::time::Duration;

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Request, message};
use crate::outcome::{Outcome, float};
use crate::peer::Peer;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::statistics::percentile;
use crate::usage::Window;

pub(super) const PEERS: [Peer; 5] =
    [Peer::Axum, Peer::Framework, Peer::FrameworkPlain, Peer::FeathersKoa, Peer::FeathersExpress];

const CPU: Metric = Metric::new("CPU µs a request", 1).compared();
const METRICS: [Metric; 6] = [
    CPU,
    Metric::new("of it user µs", 1).compared(),
    Metric::new("requests/s", 0).compared(),
    Metric::new("server busy", 2),
    Metric::new("p50 ms", 2),
    Metric::new("p99 ms", 2),
];

/// The name of a work, its request, and how much more of the processor it may cost than by hand.
const WORKS: [(&str, &str, &str, f64); 3] = [
    ("get", "GET", "/messages/5", 1.15),
    ("find", "GET", "/messages?$limit=10", 1.2),
    ("create", "POST", "/messages", 1.15),
];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let goals = WORKS.map(|(work, _, _, most)| Goal {
        work: work.to_owned(),
        peer: Peer::Framework,
        metric: CPU,
        limit: Limit::Of(most, Peer::Axum),
    });
    let mut report = Report::new(Kind::Rest, &METRICS, Some(Peer::Axum), goals.to_vec());
    let peers = bench.ready(&PEERS);
    let cells: Vec<Cell<usize>> =
        (0..WORKS.len()).flat_map(|work| peers.iter().map(move |peer| Cell::new(work, *peer))).collect();
    let time = bench.time(Duration::from_secs(4), Duration::from_secs(1));
    bench.measure(&mut report, &cells, |cell| Ok(vec![sample(cell, time)?]))?;
    let panels = WORKS.map(|(work, ..)| Panel::new(work, CPU));
    Ok((report, panels.to_vec()))
}

fn sample(cell: &Cell<usize>, time: Duration) -> Outcome<Sample> {
    let (work, method, path, _) = WORKS.get(cell.work).copied().ok_or("no such work")?;
    let body = if method == "POST" { message(1) } else { String::new() };
    let request = Request { method, path, body: &body };
    // Each work has a server of its own, so that no candidate carries what an earlier one has created.
    let served = cell.start()?;
    load::run(async {
        load::drive(&served.authority, request, time / 2).await?;
        let window = Window::open(served.pids())?;
        let mut answers = load::drive(&served.authority, request, time).await?;
        let used = window.close()?;
        let requests = float(answers.latencies.len() as u64);
        let values = vec![
            used.total * 1e6 / requests,
            used.user * 1e6 / requests,
            requests / used.elapsed,
            used.total / used.elapsed,
            percentile(&mut answers.latencies, 50),
            percentile(&mut answers.latencies, 99),
        ];
        Ok(Sample { work: work.to_owned(), foreign: used.foreign, values })
    })
}
