//! A burst: thousands of messages with one request, to a few subscribers that read as fast as they can.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Ledger, Publisher};
use crate::outcome::{Outcome, float};
use crate::peer::Peer;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::usage::{Memory, Window, memory};

/// Not FeathersJS: it looks every record of a list up in the list before it sends it, which takes minutes here.
pub(super) const PEERS: [Peer; 8] = [
    Peer::AxumWs,
    Peer::AxumSse,
    Peer::Preframed,
    Peer::FrameworkWs,
    Peer::FrameworkSocketio,
    Peer::FrameworkSse,
    Peer::Socketioxide,
    Peer::SocketioNode,
];

const SUBSCRIBERS: [u64; 1] = [10];
const MESSAGES: usize = 5_000;
/// What has not come within this time is lost.
const PATIENCE: Duration = Duration::from_secs(10);

const ARRIVED: Metric = Metric::new("arrived %", 1);
const METRICS: [Metric; 4] =
    [ARRIVED, Metric::new("most memory more, MiB", 1), Metric::new("deliveries/s", 0), Metric::new("cut off", 0)];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let subscribers = bench.subscribers(&SUBSCRIBERS);
    let ours = || PEERS.into_iter().filter(|peer| peer.is_ours());
    let goals = subscribers.iter().flat_map(|count| {
        ours().map(|peer| Goal { work: name(*count), peer, metric: ARRIVED, limit: Limit::AtLeast(100.0) })
    });
    let mut report = Report::new(Kind::Burst, &METRICS, None, goals.collect());
    let peers = bench.ready(&PEERS);
    let cells: Vec<Cell<u64>> =
        subscribers.iter().flat_map(|count| peers.iter().map(|peer| Cell::new(*count, *peer))).collect();
    bench.measure(&mut report, &cells, |cell| Ok(vec![sample(cell)?]))?;
    Ok((report, subscribers.iter().map(|count| Panel::new(&name(*count), ARRIVED)).collect()))
}

fn name(subscribers: u64) -> String {
    format!("{MESSAGES} messages to {subscribers}")
}

fn sample(cell: &Cell<u64>) -> Outcome<Sample> {
    let Cell { work: subscribers, peer, .. } = *cell;
    let wire = peer.wire().ok_or("nothing to listen to")?;
    let served = cell.start()?;
    load::run(async {
        let ledger = Rc::new(Ledger::new());
        let _listeners = load::connect(&served.authority, wire, subscribers, &ledger).await?;
        let mut publisher = Publisher::connect(&served.intake, peer.posting()).await?;
        let before = memory(&served.pids(), Memory::Resident);
        let window = Window::open(served.pids())?;
        ledger.begin();
        let start = Instant::now();
        publisher.publish_many(&ledger, MESSAGES).await?;
        let expected = subscribers * MESSAGES as u64;
        let complete = ledger.wait_for(expected, PATIENCE).await;
        let elapsed = start.elapsed().saturating_sub(if complete { Duration::ZERO } else { PATIENCE });
        let used = window.close()?;
        let delivered = float(ledger.delivered());
        let values = vec![
            100.0 * delivered / float(expected),
            (memory(&served.pids(), Memory::Peak) - before).max(0.0) / 1024.0,
            delivered / elapsed.as_secs_f64(),
            float(ledger.ended()),
        ];
        Ok(Sample { work: name(subscribers), foreign: used.foreign, values })
    })
}
