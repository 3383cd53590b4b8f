//! A cold start: from the start of a process to its first answer, what it holds then, and how big it is.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::bench::{Bench, Cell};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load;
use crate::outcome::{Outcome, float};
use crate::peer::{Peer, by_hand};
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::usage::{Memory, Window, memory};

pub(super) const PEERS: [Peer; 5] =
    [Peer::Axum, Peer::Todo, Peer::TodoWithoutGrip, Peer::FeathersKoa, Peer::FeathersExpress];

const WORK: &str = "cold start";
const FIRST: Metric = Metric::new("ms to the first 200", 1);
const IDLE: Metric = Metric::new("idle MiB", 1);
const BINARY: Metric = Metric::new("binary MiB", 1);
const METRICS: [Metric; 3] = [FIRST, IDLE, BINARY];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let goal = |peer, metric, most| Goal { work: WORK.to_owned(), peer, metric, limit: Limit::AtMost(most) };
    // The size is that of a program without TLS and its cryptography.
    let goals =
        vec![goal(Peer::Todo, FIRST, 25.0), goal(Peer::Todo, IDLE, 10.0), goal(Peer::TodoWithoutGrip, BINARY, 8.0)];
    let mut report = Report::new(Kind::Cold, &METRICS, None, goals);
    let cells: Vec<Cell<()>> = bench.ready(&PEERS).into_iter().map(|peer| Cell::new((), peer)).collect();
    let settling = bench.time(Duration::from_secs(2), Duration::from_secs(1));
    bench.measure(&mut report, &cells, |cell| Ok(vec![sample(cell, settling)?]))?;
    Ok((report, vec![Panel::new(WORK, FIRST), Panel::new(WORK, IDLE)]))
}

fn sample(cell: &Cell<()>, settling: Duration) -> Outcome<Sample> {
    let peer = cell.peer;
    let is_todo = matches!(peer, Peer::Todo | Peer::TodoWithoutGrip);
    let path = if is_todo { "/todos" } else { "/messages/5" };
    let window = Window::open(Vec::new())?;
    let start = Instant::now();
    let served = cell.start()?;
    load::run(async {
        let mut stream = TcpStream::connect(&served.authority).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", served.authority);
        load::exchange(&mut stream, request.as_bytes(), &mut Vec::new()).await
    })?;
    let first = start.elapsed().as_secs_f64() * 1e3;
    std::thread::sleep(settling);
    let foreign = window.close()?.foreign;
    let idle = memory(&served.pids(), Memory::Resident) / 1024.0;
    let binary = match peer {
        Peer::Todo | Peer::TodoWithoutGrip => stripped(&peer.todo()?)?,
        Peer::Axum => stripped(&by_hand()?)?,
        _ => f64::NAN,
    };
    Ok(Sample { work: WORK.to_owned(), foreign, values: vec![first, idle, binary] })
}

/// Returns the size of a program without its symbols, in MiB.
fn stripped(program: &Path) -> Outcome<f64> {
    let copy = tempfile::NamedTempFile::new()?;
    let status = Command::new("strip").arg("-o").arg(copy.path()).arg(program).status()?;
    if !status.success() {
        return Err(format!("strip has failed ({status})").into());
    }
    Ok(float(copy.path().metadata()?.len()) / f64::from(1 << 20))
}
