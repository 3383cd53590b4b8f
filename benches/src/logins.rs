//! Logins: whether calls are answered as soon while passwords are being hashed.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use feathers::auth::LimitConfig;
use feathers::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::message::{Message, SEED, seed};
use crate::process::{Outcome, Served};

const LOGINS_A_SECOND: u64 = 8;
const FINDS_A_SECOND: u64 = 200;

/// Someone who can log in.
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
    let running = Server::new(app).start().await?;
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
#[expect(clippy::print_stdout, reason = "a command line tool talks on its standard output")]
pub(crate) fn run(rounds: u32, seconds: u32) -> Outcome {
    let server = Served::start_on("0,1", "logins")?;
    let authority = server.url.strip_prefix("http://").ok_or("no URL")?.to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut quiet, mut busy) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let time = Duration::from_secs(seconds.into());
        finds(&authority, Duration::from_secs(1)).await?;
        for round in 1..=rounds {
            eprint!("\rround {round} of {rounds}");
            std::io::stderr().flush()?;
            quiet.push(p99(finds(&authority, time).await?));
            let on = Arc::new(AtomicBool::new(true));
            let logins = tokio::spawn(logins(authority.clone(), on.clone()));
            busy.push(p99(finds(&authority, time).await?));
            on.store(false, Ordering::Relaxed);
            let made = logins.await??;
            println!(
                "round {round}: p99 {} us alone, {} us beside {made} logins",
                quiet[quiet.len() - 1],
                busy[busy.len() - 1]
            );
        }
        Outcome::Ok(())
    })?;
    let (quiet, busy) = (median(quiet), median(busy));
    #[expect(clippy::cast_precision_loss, reason = "microseconds are few")]
    let ratio = busy as f64 / quiet as f64;
    println!("p99 of find: {quiet} us alone, {busy} us beside {LOGINS_A_SECOND} logins a second, ratio {ratio:.2}");
    Ok(())
}

/// Asks at a steady pace; a late answer delays no question but counts from when that was due. Returns microseconds.
async fn finds(authority: &str, time: Duration) -> Outcome<Vec<u64>> {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let request = format!("GET /messages?$limit=10 HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let mut pace = interval(Duration::from_micros(1_000_000 / FINDS_A_SECOND));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (end, mut latencies) = (Instant::now() + time, Vec::new());
    loop {
        let due = pace.tick().await;
        if due > end {
            return Ok(latencies);
        }
        exchange(&mut stream, &request).await?;
        latencies.push(u64::try_from(due.elapsed().as_micros())?);
    }
}

/// Logs in at a steady pace and returns how often.
async fn logins(authority: String, on: Arc<AtomicBool>) -> Result<u64, String> {
    let body = r#"{"strategy":"local","email":"ada@example.com","password":"enchantress of numbers"}"#;
    let length = body.len();
    let request = format!(
        "POST /authentication HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut stream = TcpStream::connect(&authority).await.map_err(|error| error.to_string())?;
    let mut pace = interval(Duration::from_millis(1_000 / LOGINS_A_SECOND));
    let mut made = 0;
    while on.load(Ordering::Relaxed) {
        pace.tick().await;
        exchange(&mut stream, &request).await.map_err(|error| error.to_string())?;
        made += 1;
    }
    Ok(made)
}

/// Sends a request and reads the whole answer, which has a length.
async fn exchange(stream: &mut TcpStream, request: &str) -> Outcome {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(4_096);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err("the server has closed the connection".into());
        }
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("HTTP/1.1 20") {
            return Err(head.to_owned().into());
        }
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
        let length: usize = length.ok_or("no length")?.trim().parse()?;
        if body.len() >= length {
            return Ok(());
        }
    }
}

fn p99(mut latencies: Vec<u64>) -> u64 {
    latencies.sort_unstable();
    latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default()
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
