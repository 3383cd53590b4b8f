//! The stage: the server, and the proxy if there is one, started, restarted, and asked for the last word.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::control::Control;
use super::history::{Records, Spot, Way};
use super::link::{Link, Upstream};
use super::nemesis::Restart;
use super::options::Options;
use super::process::{Process, Signal};
use super::pushpin::Pushpin;
use super::reader::{self, Begin, Plan, Reader, Tell};
use super::sabotage::Sabotage;
use super::writer::{self, Board};

/// The log is taken for ended when it has not grown for this long.
const QUIET: Duration = Duration::from_millis(400);

/// The server, restarted as it comes, and what stands around it.
pub(super) struct Stage {
    options: Options,
    server: Process,
    upstream: watch::Sender<Option<SocketAddr>>,
    proxy: Option<Proxy>,
    /// A way to the server without faults.
    pub(super) desk: Link,
    http: reqwest::Client,
    board: Arc<Board>,
    tell: Tell,
    steady: JoinSet<()>,
    next: usize,
    /// When servers got the signal to end.
    pub(super) ends: Vec<u64>,
    proxy_restarts: usize,
}

impl Stage {
    pub(super) async fn set(options: &Options, board: &Arc<Board>, tell: Tell) -> io::Result<Self> {
        let upstream = watch::channel(None).0;
        let proxy = if options.pushpin { Some(Proxy::start(options, upstream.subscribe()).await?) } else { None };
        let (server, address) = Process::server(options, proxy.as_ref().map(Proxy::setting).as_deref()).await?;
        let desk = Link::open(upstream.subscribe(), None).await?;
        let mut stage = Self {
            options: options.clone(),
            server,
            upstream,
            proxy,
            desk,
            http: reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?,
            board: board.clone(),
            tell,
            steady: JoinSet::new(),
            next: options.readers,
            ends: Vec::new(),
            proxy_restarts: 0,
        };
        stage.open(address);
        Ok(stage)
    }

    /// Returns the way of readers, or of writers.
    pub(super) fn way_of(&self, reads: bool) -> Upstream {
        self.proxy.as_ref().filter(|_| reads).map_or_else(|| self.upstream.subscribe(), |proxy| proxy.door.subscribe())
    }

    /// Returns the ways between the server and its proxy, which can be broken as well.
    pub(super) fn between(&self) -> Vec<Arc<Link>> {
        self.proxy.iter().flat_map(|proxy| [proxy.asking.clone(), proxy.publishing.clone()]).collect()
    }

    /// Lets clients come to a new server; a steady reader is there before them.
    fn open(&mut self, address: SocketAddr) {
        let address_text = address.to_string();
        let (number, way) = (self.next, Way::WebSocket);
        self.next += 1;
        let (door, desk) = (address_text.clone(), address_text);
        let plan = Plan { number, way, begin: Begin::Earliest, door, desk, proxied: false };
        self.steady.spawn(Reader::new(plan, self.tell.clone()).run());
        self.board.clear();
        self.upstream.send_replace(Some(address));
    }

    /// Restarts the server when it is time, until the time is over.
    pub(super) async fn play(&mut self, until: Instant, restarts: Vec<(Duration, Restart)>) -> io::Result<()> {
        let begin = Instant::now();
        for (after, how) in restarts {
            sleep_until((begin + after).into()).await;
            match (how, &mut self.proxy) {
                (Restart::Server(how), _) => self.restart(how).await?,
                (Restart::Proxy(how), Some(proxy)) => {
                    proxy.restart(how).await?;
                    self.proxy_restarts += 1;
                }
                (Restart::Proxy(_), None) => {}
            }
        }
        sleep_until(until.into()).await;
        Ok(())
    }

    async fn restart(&mut self, how: Signal) -> io::Result<()> {
        self.ends.push(self.board.now());
        self.server.end(how).await?;
        self.upstream.send_replace(None);
        let setting = self.proxy.as_ref().map(Proxy::setting);
        let (server, address) = Process::server(&self.options, setting.as_deref()).await?;
        self.server = server;
        self.open(address);
        Ok(())
    }

    /// Loses nothing more of what is published; returns how many items were lost, and how often the proxy was
    /// restarted.
    pub(super) fn mend(&self) -> (u64, usize) {
        let lost = self.proxy.as_ref().map_or(0, |proxy| {
            proxy.control.mend();
            proxy.control.lost()
        });
        (lost, self.proxy_restarts)
    }

    /// Makes a last change, waits for the log to end, and returns its end and all records.
    pub(super) async fn last_word(&mut self) -> io::Result<(Spot, Records)> {
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

/// A proxy, and the two ways between it and the server.
struct Proxy {
    pushpin: Pushpin,
    control: Control,
    door: watch::Sender<Option<SocketAddr>>,
    /// On this way it asks the server.
    asking: Arc<Link>,
    /// On this way the server publishes.
    publishing: Arc<Link>,
}

impl Proxy {
    async fn start(options: &Options, server: Upstream) -> io::Result<Self> {
        let mut pushpin = Pushpin::prepare()?;
        let hides = options.sabotage == Some(Sabotage::Drop);
        let control = Control::open(pushpin.control(), options.seed, hides).await?;
        let publishing = Link::open(watch::channel(Some(control.address())).1, None).await?;
        let asking = Link::open(server, None).await?;
        pushpin.start(&asking.address()).await?;
        let door = watch::channel(Some(pushpin.door().parse().map_err(io::Error::other)?)).0;
        Ok(Self { pushpin, control, door, asking: Arc::new(asking), publishing: Arc::new(publishing) })
    }

    /// Returns what the server is to know of it.
    fn setting(&self) -> String {
        Pushpin::setting(&self.publishing.address())
    }

    async fn restart(&mut self, how: Signal) -> io::Result<()> {
        self.pushpin.end(how).await?;
        self.pushpin.start(&self.asking.address()).await
    }
}
