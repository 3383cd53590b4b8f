//! Memory of idle connections: what a server holds with many of them more than without any.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Ledger};
use crate::outcome::{Outcome, float};
use crate::peer::Peer;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::usage::{Memory, Window, memory};

pub(super) const PEERS: [Peer; 14] = super::fanout::PEERS;

const CONNECTIONS: [u64; 2] = [1_000, 10_000];

/// The ports of one address and the open files of one process are few.
const HOLDERS: u64 = 2;

const EACH: Metric = Metric::new("KiB a connection", 1).compared();
const METRICS: [Metric; 3] = [EACH, Metric::new("MiB without any", 1), Metric::new("held", 0)];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let connections = bench.subscribers(&CONNECTIONS);
    let goals = connections.iter().flat_map(|count| {
        let goal = |peer, limit| Goal { work: name(*count), peer, metric: EACH, limit };
        [
            goal(Peer::FrameworkWs, Limit::AtMost(8.0)),
            goal(Peer::FrameworkSocketio, Limit::AtMost(14.0)),
            goal(Peer::FrameworkSse, Limit::Of(1.0, Peer::AxumSse)),
        ]
    });
    let mut report = Report::new(Kind::Memory, &METRICS, Some(Peer::AxumWs), goals.collect());
    let peers = bench.ready(&PEERS);
    let cells: Vec<Cell<u64>> =
        connections.iter().flat_map(|count| peers.iter().map(|peer| Cell::new(*count, *peer))).collect();
    let settling = bench.time(Duration::from_secs(2), Duration::from_secs(1));
    bench.measure(&mut report, &cells, |cell| Ok(vec![sample(cell, settling)?]))?;
    let panels = connections.iter().map(|count| Panel::new(&name(*count), EACH));
    Ok((report, panels.collect()))
}

fn name(connections: u64) -> String {
    format!("{connections} connections")
}

fn sample(cell: &Cell<u64>, settling: Duration) -> Outcome<Sample> {
    let Cell { work: connections, peer, .. } = *cell;
    let served = cell.start()?;
    std::thread::sleep(settling / 2);
    let before = memory(&served.pids(), Memory::Resident);
    let window = Window::open(served.pids())?;
    let shares = (0..HOLDERS).map(|holder| (connections + holder) / HOLDERS);
    let mut holders = shares.map(|share| Holder::start(peer, &served.authority, share)).collect::<Outcome<Vec<_>>>()?;
    holders.iter_mut().try_for_each(Holder::wait)?;
    std::thread::sleep(settling);
    let used = window.close()?;
    let after = memory(&served.pids(), Memory::Resident);
    let held = holders.into_iter().map(Holder::end).sum::<Outcome<u64>>()?;
    let values = vec![(after - before) / float(connections), before / 1024.0, float(held)];
    Ok(Sample { work: name(connections), foreign: used.foreign, values })
}

/// A process that holds connections.
#[derive(Debug)]
struct Holder {
    child: Child,
}

impl Holder {
    fn start(peer: Peer, authority: &str, connections: u64) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["hold", &peer.name(), authority, &connections.to_string()]);
        Ok(Self { child: command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()? })
    }

    /// Waits until all connections are there.
    fn wait(&mut self) -> Outcome {
        let mut line = String::new();
        let output = self.child.stdout.as_mut().ok_or("the holder has no output")?;
        BufReader::with_capacity(1, output).read_line(&mut line)?;
        if line.trim() == "held" { Ok(()) } else { Err("not all connections were accepted".into()) }
    }

    /// Lets go, and returns how many connections were there to the end.
    fn end(mut self) -> Outcome<u64> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.child.stdout.take().ok_or("the holder has no output")?.read_to_string(&mut text)?;
        Ok(text.trim().parse()?)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Holds connections until the standard input ends; says when they are there, and how many still are at the end.
pub(crate) fn hold(peer: Peer, authority: &str, connections: u64) -> Outcome {
    let wire = peer.wire().ok_or("nothing to listen to")?;
    load::run(async {
        let ledger = Rc::new(Ledger::new());
        let _listeners = load::connect(authority, wire, connections, &ledger).await?;
        say("held")?;
        let (input, ended) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            input.send(())
        });
        let _ = ended.await;
        say(&(connections - ledger.ended()).to_string())
    })
}

fn say(text: &str) -> Outcome {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
