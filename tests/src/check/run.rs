//! One run: everything is started, broken, mended, and compared.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::collect::Collector;
use super::history::{Records, Spot, Step, Way};
use super::link::Link;
use super::nemesis::{Nemesis, Restart};
use super::options::Options;
use super::process::Process;
use super::reader::{self, Begin, Plan, Reader, Tell};
use super::report::Report;
use super::verify::{Evidence, History, verify};
use super::writer::{self, Board, WireKind, Writer};

/// How many writers there are.
const WRITERS: usize = 6;
/// How long the readers may take to come to the end of the log after the last fault.
const PATIENCE: Duration = Duration::from_secs(20);
/// The same where something is broken on purpose, so that some may never come there.
const LITTLE_PATIENCE: Duration = Duration::from_secs(3);
/// The log is taken for ended when it has not grown for this long.
const QUIET: Duration = Duration::from_millis(400);

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
    for _ in 0..options.readers + WRITERS {
        links.push(Arc::new(Link::open(stage.upstream.subscribe(), sabotage.clone()).await?));
    }
    let (near, far) = plans(&options, &links, &stage.desk.address());
    let host = host(far, tell.clone(), &mut tasks).await?;
    for plan in near {
        tasks.spawn(Reader::new(plan, tell.clone()).run());
    }

    let until = Instant::now() + options.time;
    let mut writing = JoinSet::new();
    for (number, link) in links.iter().skip(options.readers).enumerate() {
        let Some(kind) = WireKind::ALL.get(number % WireKind::ALL.len()) else { continue };
        writing.spawn(Writer::new(number, options.seed, *kind, link.address(), board.clone()).run(until));
    }
    let mut nemesis = Nemesis::new(options.seed, links.clone(), host);
    let restarts = nemesis.restarts(options.time);
    let nemesis = tokio::spawn(nemesis.run(until));
    collector.during(stage.play(until, restarts)).await?;
    collector.during(nemesis).await?;
    collector.during(writing.join_all()).await;

    let (head, records) = collector.during(stage.last_word()).await?;
    let numbers: Vec<usize> = (0..options.readers).collect();
    let patience = if options.sabotage.is_some() { LITTLE_PATIENCE } else { PATIENCE };
    collector.until_all_at(&numbers, &head, patience).await;
    tasks.shutdown().await;
    let mut told = collector.finish();
    // Who has told nothing has a history too.
    for number in numbers {
        told.entry(number).or_default();
    }
    let way = |number: usize| if number < options.readers { way(number) } else { Way::WebSocket };
    let history = |(number, steps)| History { number, way: way(number), steady: number >= options.readers, steps };
    let readers = told.into_iter().map(history).collect();
    let (writes, ends) = (board.take_writes(), std::mem::take(&mut stage.ends));
    let evidence = Evidence { readers, writes, ends, head, records, retain: options.retain };
    let violations = verify(&evidence);
    let cuts = links.iter().map(|link| link.cuts()).sum();
    Ok(Report::new(options, &evidence, cuts, violations))
}

/// Returns how a reader listens.
fn way(number: usize) -> Way {
    Way::ALL.get(number % Way::ALL.len()).copied().unwrap_or(Way::WebSocket)
}

/// Plans the readers: those of this process, and those of a process that can be stopped.
fn plans(options: &Options, links: &[Arc<Link>], desk: &str) -> (Vec<Plan>, Vec<Plan>) {
    let plan = |number: usize, link: &Arc<Link>| {
        let begin = if (number / Way::ALL.len()).is_multiple_of(2) { Begin::Records } else { Begin::Now };
        Plan { number, way: way(number), begin, door: link.address(), desk: desk.to_owned() }
    };
    let mut plans: Vec<_> =
        links.iter().take(options.readers).enumerate().map(|(number, link)| plan(number, link)).collect();
    let far = if options.readers < 2 * Way::ALL.len() {
        Vec::new()
    } else {
        plans.split_off(options.readers - Way::ALL.len())
    };
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

/// The server, restarted as it comes, and what stands around it.
struct Stage {
    options: Options,
    server: Process,
    upstream: watch::Sender<Option<SocketAddr>>,
    /// A way to the server that nobody breaks.
    desk: Link,
    http: reqwest::Client,
    board: Arc<Board>,
    tell: Tell,
    steady: JoinSet<()>,
    next: usize,
    /// When servers were told to end.
    ends: Vec<u64>,
}

impl Stage {
    async fn set(options: &Options, board: &Arc<Board>, tell: Tell) -> io::Result<Self> {
        let (server, address) = Process::server(options).await?;
        let upstream = watch::channel(None).0;
        let desk = Link::open(upstream.subscribe(), None).await?;
        let mut stage = Self {
            options: options.clone(),
            server,
            upstream,
            desk,
            http: reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?,
            board: board.clone(),
            tell,
            steady: JoinSet::new(),
            next: options.readers,
            ends: Vec::new(),
        };
        stage.open(address);
        Ok(stage)
    }

    /// Lets clients come to a new server; a steady reader is there before them.
    fn open(&mut self, address: SocketAddr) {
        let address_text = address.to_string();
        let (number, way) = (self.next, Way::WebSocket);
        self.next += 1;
        let plan = Plan { number, way, begin: Begin::Earliest, door: address_text.clone(), desk: address_text };
        self.steady.spawn(Reader::new(plan, self.tell.clone()).run());
        self.board.clear();
        self.upstream.send_replace(Some(address));
    }

    /// Restarts the server when it is time, until the time is over.
    async fn play(&mut self, until: Instant, restarts: Vec<(Duration, Restart)>) -> io::Result<()> {
        let begin = Instant::now();
        for (after, how) in restarts {
            sleep_until((begin + after).into()).await;
            self.ends.push(self.board.now());
            self.server.end(how).await?;
            self.upstream.send_replace(None);
            let (server, address) = Process::server(&self.options).await?;
            self.server = server;
            self.open(address);
        }
        sleep_until(until.into()).await;
        Ok(())
    }

    /// Makes a last change, waits for the log to end, and returns its end and all records.
    async fn last_word(&mut self) -> io::Result<(Spot, Records)> {
        let url = format!("http://{}/items", self.desk.address());
        let (record, write) = writer::last_word(&self.board);
        let answer = self.http.post(url).json(&record).send().await.map_err(io::Error::other)?;
        answer.error_for_status().map_err(io::Error::other)?;
        self.board.push(write);
        let mut earlier = None;
        loop {
            let read = reader::read_records(&self.http, &self.desk.address()).await.map_err(io::Error::other)?;
            if earlier.as_ref() == Some(&read) {
                return Ok((read.0.parse().map_err(io::Error::other)?, read.1));
            }
            earlier = Some(read);
            sleep(QUIET).await;
        }
    }
}
