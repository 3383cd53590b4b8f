//! Logins: whether calls are answered as soon while passwords are being hashed.
//!
//! Server and load share both cores, since the measurement is about how they share them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use feathers::auth::LimitConfig;
use feathers::prelude::*;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::bench::{self, Bench};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load;
use crate::outcome::{Outcome, float};
use crate::peer::{self, Peer};
use crate::process::{BOTH_CORES, LOAD_CORE, pin};
use crate::report::{Metric, Report, Sample};
use crate::server::{Message, SEED, Server, seed};
use crate::statistics::percentile;
use crate::usage::Window;

pub(super) const PEERS: [Peer; 1] = [Peer::Framework];

const ALONE: &str = "find, alone";
const BESIDE: &str = "find, beside 8 logins a second";
const P99: Metric = Metric::new("p99 ms", 2);
const METRICS: [Metric; 4] = [P99, Metric::new("p50 ms", 2), Metric::new("p99 of alone", 2), Metric::new("logins", 0)];

const LOGINS_A_SECOND: u64 = 8;
const FINDS_A_SECOND: u64 = 200;

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    email: String,
    #[service(hidden)]
    password: String,
}

/// Serves messages and logins, whose number is not limited.
pub(crate) async fn serve() -> Outcome {
    let mut config = AuthConfig::new("the secret of a server that measures");
    let mut limits = LimitConfig::default();
    (limits.account, limits.address) = (0, 0);
    config.limits = limits;
    let mut app = App::new();
    app.service("messages", Memory::<Message>::new().paginate(Paginate::new(10).max(50)));
    app.service("users", Memory::<User>::new()).before(["create", "update", "patch"], hash_password("password"));
    app.configure(Authentication::new(config).jwt().local("email"));
    let running = feathers::transports::Server::new(app).bind("127.0.0.1:0").start().await?;
    let messages = running.handle().typed::<Message>("messages")?;
    for number in 0..SEED {
        messages.create(seed(number), ()).await?;
    }
    let user = json!({ "email": "ada@example.com", "password": "enchantress of numbers" });
    running.handle().service("users")?.create(user, ()).await?;
    crate::process::announce(running.addr());
    std::future::pending().await
}

/// Asks for messages steadily, with and without logins beside it, in turn.
pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let mut report = Report::new(Kind::Logins, &METRICS, None, Vec::new());
    let time = bench.time(Duration::from_secs(6), Duration::from_secs(4));
    let cells = PEERS.map(|peer| bench::Cell::new((), peer));
    pin(&BOTH_CORES)?;
    let measured = bench.measure(&mut report, &cells, |_| samples(time));
    pin(&[LOAD_CORE])?;
    measured?;
    Ok((report, [ALONE, BESIDE].map(|work| Panel::new(work, P99)).to_vec()))
}

fn samples(time: Duration) -> Outcome<Vec<Sample>> {
    let served = peer::own(Server::Logins, "0,1")?;
    load::run(async {
        finds(&served.authority, time / 4).await?;
        let window = Window::open(served.pids())?;
        let mut alone = finds(&served.authority, time).await?;
        let used = window.close()?;
        let alone_p99 = percentile(&mut alone, 99);
        let values = vec![alone_p99, percentile(&mut alone, 50), 1.0, 0.0];
        let first = Sample { work: ALONE.to_owned(), foreign: used.foreign, values };

        let window = Window::open(served.pids())?;
        let on = Rc::new(Cell::new(true));
        let logins = tokio::task::spawn_local(logins(served.authority.clone(), on.clone()));
        let mut beside = finds(&served.authority, time).await?;
        on.set(false);
        let made = logins.await??;
        let used = window.close()?;
        let p99 = percentile(&mut beside, 99);
        let values = vec![p99, percentile(&mut beside, 50), p99 / alone_p99, float(made)];
        Ok(vec![first, Sample { work: BESIDE.to_owned(), foreign: used.foreign, values }])
    })
}

/// Asks at a steady pace; a late answer delays no question but counts from when that was due. Returns microseconds.
async fn finds(authority: &str, time: Duration) -> Outcome<Vec<u32>> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET /messages?$limit=10 HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let mut pace = interval(Duration::from_micros(1_000_000 / FINDS_A_SECOND));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (end, mut latencies, mut buffer) = (Instant::now() + time, Vec::new(), Vec::new());
    loop {
        let due = pace.tick().await;
        if due > end {
            return Ok(latencies);
        }
        load::exchange(&mut stream, request.as_bytes(), &mut buffer).await?;
        latencies.push(u32::try_from(due.elapsed().as_micros())?);
    }
}

/// Logs in at a steady pace and returns how often.
async fn logins(authority: String, on: Rc<Cell<bool>>) -> Result<u64, String> {
    let body = r#"{"strategy":"local","email":"ada@example.com","password":"enchantress of numbers"}"#;
    let length = body.len();
    let request = format!(
        "POST /authentication HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(&authority).await.map_err(|error| error.to_string())?;
    let (mut pace, mut buffer) = (interval(Duration::from_millis(1_000 / LOGINS_A_SECOND)), Vec::new());
    let mut made = 0;
    while on.get() {
        pace.tick().await;
        load::exchange(&mut stream, request.as_bytes(), &mut buffer).await.map_err(|error| error.to_string())?;
        made += 1;
    }
    Ok(made)
}
