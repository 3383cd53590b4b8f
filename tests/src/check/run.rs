//! One run: everything is started, broken, mended, and compared.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::collect::Collector;
use super::history::{Step, Way};
use super::link::Link;
use super::nemesis::Nemesis;
use super::options::Options;
use super::process::Process;
use super::reader::{Begin, Plan, Reader, Tell};
use super::report::{Faults, Report};
use super::stage::Stage;
use super::verify::{Evidence, History, verify};
use super::writer::{Board, WireKind, Writer};

/// How many writers there are.
const WRITERS: usize = 6;
/// How long the readers may take to come to the end of the log after the last fault.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same where something is broken on purpose, so that some may never come there.
const LITTLE_PATIENCE: Duration = Duration::from_secs(3);
/// Runs the checker once.
pub async fn run(options: Options) -> io::Result<Report> {
    let start = Instant::now();
    let board = Board::new(start);
    let (tell, steps) = mpsc::unbounded_channel();
    let mut collector = Collector::new(start, steps);
    let mut tasks = JoinSet::new();
    let mut stage = Stage::set(&options, &board, tell.clone()).await?;
    let events = Arc::new(AtomicU64::new(0));
    let sabotage = options.sabotage.map(|way| (way, events));
    let mut links = Vec::new();
    for number in 0..options.readers + WRITERS {
        let upstream = stage.way_of(number < options.readers);
        links.push(Arc::new(Link::open(upstream, sabotage.clone()).await?));
    }
    let (near, far) = plans(&options, &links, &stage.desk.address());
    let host = host(far, tell.clone(), &mut tasks).await?;
    for plan in near {
        tasks.spawn(Reader::new(plan, tell.clone()).run());
    }

    let until = Instant::now() + options.time;
    let mut writing = JoinSet::new();
    for (number, link) in links.iter().skip(options.readers).take(WRITERS).enumerate() {
        let Some(kind) = WireKind::ALL.get(number % WireKind::ALL.len()) else { continue };
        writing.spawn(Writer::new(number, options.seed, *kind, link.address(), board.clone()).run(until));
    }
    links.extend(stage.between());
    let mut nemesis = Nemesis::new(options.seed, links.clone(), host);
    let restarts = nemesis.restarts(options.time, options.pushpin);
    let nemesis = tokio::spawn(nemesis.run(until));
    collector.during(stage.play(until, restarts)).await?;
    collector.during(nemesis).await?;
    collector.during(writing.join_all()).await;
    let (lost, proxy_restarts) = stage.mend();

    let (head, records) = collector.during(stage.last_word()).await?;
    let numbers: Vec<usize> = (0..options.readers).collect();
    let patience = if options.sabotage.is_some() { LITTLE_PATIENCE } else { PATIENCE };
    collector.until_all_at(&numbers, &head, patience).await;
    tasks.shutdown().await;
    let mut told = collector.finish();
    // A reader that has reported nothing has a history too.
    for number in numbers {
        told.entry(number).or_default();
    }
    let ways = ways(&options);
    let way = |number: usize| if number < options.readers { way(ways, number) } else { Way::WebSocket };
    let history = |(number, steps)| History { number, way: way(number), steady: number >= options.readers, steps };
    let readers = told.into_iter().map(history).collect();
    let (writes, ends) = (board.take_writes(), std::mem::take(&mut stage.ends));
    let evidence = Evidence { readers, writes, ends, head, records, retain: options.retain };
    let violations = verify(&evidence);
    let cuts = links.iter().map(|link| link.cuts()).sum();
    let faults = Faults { cuts, lost, proxy_restarts };
    Ok(Report::new(options, &evidence, faults, violations))
}

/// Returns the ways in which readers listen.
fn ways(options: &Options) -> &'static [Way] {
    if options.pushpin { &Way::PROXIED } else { &Way::ALL }
}

/// Returns how a reader listens.
fn way(ways: &[Way], number: usize) -> Way {
    ways.get(number % ways.len()).copied().unwrap_or(Way::WebSocket)
}

/// Plans the readers: those of this process, and those of a process that can be stopped.
fn plans(options: &Options, links: &[Arc<Link>], desk: &str) -> (Vec<Plan>, Vec<Plan>) {
    let ways = ways(options);
    let plan = |number: usize, link: &Arc<Link>| {
        let begin = if (number / ways.len()).is_multiple_of(2) { Begin::Records } else { Begin::Now };
        let (door, desk) = (link.address(), desk.to_owned());
        Plan { number, way: way(ways, number), begin, door, desk, proxied: options.pushpin }
    };
    let mut plans: Vec<_> =
        links.iter().take(options.readers).enumerate().map(|(number, link)| plan(number, link)).collect();
    let far = if options.readers < 2 * ways.len() { Vec::new() } else { plans.split_off(options.readers - ways.len()) };
    (plans, far)
}

/// Starts the process of readers, if there are any for it; returns its number. It ends with `tasks`.
async fn host(plans: Vec<Plan>, tell: Tell, tasks: &mut JoinSet<()>) -> io::Result<Option<u32>> {
    if plans.is_empty() {
        return Ok(None);
    }
    let mut process = Process::readers()?;
    let stdin = process.stdin.as_mut().ok_or_else(|| io::Error::other("a child without an input"))?;
    for plan in plans {
        stdin.write_all(format!("{}\n", serde_json::to_string(&plan)?).as_bytes()).await?;
    }
    let id = process.id();
    tasks.spawn(async move {
        // All of it moves in here, so that the child lives as long as this task.
        let mut process = process;
        while let Ok(Some(line)) = process.lines.next_line().await {
            if let Ok(step) = serde_json::from_str::<(usize, Step)>(&line) {
                let _ = tell.send(step);
            }
        }
    });
    Ok(id)
}
