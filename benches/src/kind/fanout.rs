//! Events to many subscribers, every message to each of them.

use std::rc::Rc;
use std::time::Duration;

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Ledger, Pace, Phase, Publisher};
use crate::outcome::{Outcome, float};
use crate::peer::Peer;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::usage::Window;

pub(super) const PEERS: [Peer; 14] = [
    Peer::AxumWs,
    Peer::AxumSse,
    Peer::Preframed,
    Peer::FrameworkWs,
    Peer::FrameworkWsGather,
    Peer::FrameworkSocketio,
    Peer::FrameworkSse,
    Peer::Socketioxide,
    Peer::SocketioNode,
    Peer::FeathersKoa,
    Peer::FeathersExpress,
    Peer::NchanWs,
    Peer::NchanSse,
    Peer::PushpinSse,
];

const SUBSCRIBERS: [u64; 2] = [1_000, 5_000];

/// Deliveries a second at the steady pace.
const STEADY: f64 = 20_000.0;

const CPU: Metric = Metric::new("CPU µs a delivery", 2).compared();
const USER: Metric = Metric::new("of it user µs", 2).compared();
const METRICS: [Metric; 6] = [
    CPU,
    USER,
    Metric::new("deliveries/s", 0).compared(),
    Metric::new("p50 ms", 1),
    Metric::new("p99 ms", 1),
    Metric::new("lost", 0),
];

const LOCKSTEP: &str = "lockstep";
const BACKLOG: &str = "16 under way";

fn name(pace: &str, subscribers: u64) -> String {
    format!("{pace}, {subscribers}")
}

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let subscribers = bench.subscribers(&SUBSCRIBERS);
    let goals = subscribers.iter().flat_map(|count| goals(*count)).collect();
    let mut report = Report::new(Kind::Fanout, &METRICS, Some(Peer::AxumWs), goals);
    let peers = bench.ready(&PEERS);
    let cells: Vec<Cell<u64>> =
        subscribers.iter().flat_map(|count| peers.iter().map(|peer| Cell::new(*count, *peer))).collect();
    let time = bench.time(Duration::from_secs(4), Duration::from_secs(1));
    bench.measure(&mut report, &cells, |cell| samples(cell, time))?;
    let panels = subscribers.iter().flat_map(|count| {
        [(LOCKSTEP, CPU), (LOCKSTEP, USER), (BACKLOG, CPU)]
            .map(|(pace, metric)| Panel::new(&name(pace, *count), metric))
    });
    Ok((report, panels.collect()))
}

fn goals(subscribers: u64) -> Vec<Goal> {
    let goal = |pace, peer, metric, limit| Goal { work: name(pace, subscribers), peer, metric, limit };
    vec![
        goal(LOCKSTEP, Peer::FrameworkWs, CPU, Limit::Of(1.1, Peer::AxumWs)),
        goal(LOCKSTEP, Peer::FrameworkSocketio, CPU, Limit::Of(1.15, Peer::AxumWs)),
        goal(LOCKSTEP, Peer::FrameworkSse, CPU, Limit::Of(1.1, Peer::AxumSse)),
        goal(LOCKSTEP, Peer::FrameworkWs, USER, Limit::Of(1.0, Peer::AxumWs)),
        goal(LOCKSTEP, Peer::FrameworkSocketio, USER, Limit::Of(1.0, Peer::AxumWs)),
        goal(LOCKSTEP, Peer::FrameworkSse, USER, Limit::Of(1.0, Peer::AxumSse)),
        goal(BACKLOG, Peer::FrameworkWs, CPU, Limit::Of(1.25, Peer::AxumWs)),
        goal(BACKLOG, Peer::FrameworkSocketio, CPU, Limit::Of(1.25, Peer::AxumWs)),
        goal(BACKLOG, Peer::FrameworkSse, CPU, Limit::Of(1.0, Peer::AxumSse)),
    ]
}

fn samples(cell: &Cell<u64>, time: Duration) -> Outcome<Vec<Sample>> {
    let Cell { work: subscribers, peer, .. } = *cell;
    let wire = peer.wire().ok_or("nothing to listen to")?;
    let served = cell.start()?;
    let paces = [
        (LOCKSTEP, Pace::InFlight(1)),
        (BACKLOG, Pace::InFlight(16)),
        ("20,000/s", Pace::PerSecond(STEADY / float(subscribers))),
    ];
    load::run(async {
        let ledger = Rc::new(Ledger::new());
        let _listeners = load::connect(&served.authority, wire, subscribers, &ledger).await?;
        let mut publisher = Publisher::connect(&served.intake, peer.posting()).await?;
        let warm_up = Phase { pace: Pace::InFlight(1), time: time / 4, subscribers };
        warm_up.run(&mut publisher, &ledger).await?;
        let mut samples = Vec::new();
        for (work, pace) in paces {
            let window = Window::open(served.pids())?;
            let result = Phase { pace, time, subscribers }.run(&mut publisher, &ledger).await?;
            let used = window.close()?;
            let deliveries = float(result.delivered);
            let values = vec![
                used.total * 1e6 / deliveries,
                used.user * 1e6 / deliveries,
                result.rate(),
                result.p50,
                result.p99,
                float(result.lost),
            ];
            samples.push(Sample { work: name(work, subscribers), foreign: used.foreign, values });
        }
        match ledger.ended() {
            0 => Ok(samples),
            ended => Err(format!("{ended} of {subscribers} subscribers were cut off").into()),
        }
    })
}
