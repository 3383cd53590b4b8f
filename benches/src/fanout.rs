//! Fan-out: one publisher, many subscribers, every message to each of them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{Outcome, Served};
use crate::subscriber::{MARK, Protocol, Received, start};

const CANDIDATES: [(&str, &str, Protocol); 4] = [
    ("axum WebSocket by hand", "broadcast", Protocol::Bare),
    ("WebSocket", "realtime", Protocol::WebSocket),
    ("Socket.IO", "realtime", Protocol::SocketIo),
    ("SSE", "realtime", Protocol::Sse),
];

/// How many messages are under way at once: one, or some.
const BACKLOGS: [u64; 2] = [1, 16];

#[derive(Clone, Copy)]
struct Sample {
    /// Seconds of the server's processor for a million deliveries.
    cpu: f64,
    per_second: f64,
    /// KiB for each connection before the first message.
    memory: f64,
}

/// Measures every candidate in turn, round by round, and prints medians and ratios.
pub(crate) fn run(rounds: u32, subscribers: u32, messages: u32) -> Outcome {
    pin_to_second_core();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut samples: BTreeMap<(u64, &str), Vec<Sample>> = BTreeMap::new();
    for round in 1..=rounds {
        for backlog in BACKLOGS {
            for (name, server, protocol) in CANDIDATES {
                eprint!("\rround {round} of {rounds}: {backlog} under way, {name}               ");
                std::io::stderr().flush()?;
                let served = Served::start(server)?;
                let work = measure(&served, protocol, subscribers.into(), messages.into(), backlog);
                let sample = runtime.block_on(async { tokio::time::timeout(Duration::from_mins(2), work).await })??;
                samples.entry((backlog, name)).or_default().push(sample);
            }
        }
    }
    eprintln!("\r{:70}", "");
    print(&samples, subscribers)
}

async fn measure(
    served: &Served,
    protocol: Protocol,
    subscribers: u64,
    messages: u64,
    backlog: u64,
) -> Outcome<Sample> {
    let authority = served.url.trim_start_matches("http://").to_owned();
    let received = Arc::new(Received::default());
    let mut publisher = TcpStream::connect(&authority).await?;
    publisher.set_nodelay(true)?;
    let before = served.memory()?;
    for _ in 0..subscribers {
        start(&authority, protocol, received.clone()).await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let memory = (served.memory()? - before) as f64 / subscribers as f64;
    let body = format!(r#"{{"text":"{MARK}{}","user":"u1","ts":1}}"#, "x".repeat(80));
    let request = format!(
        "POST /messages HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // Warms up, and shows that everybody hears.
    publish(&mut publisher, &request).await?;
    received.wait_for(subscribers).await;
    let (cpu, started) = (served.cpu()?, Instant::now());
    for sent in 1..=messages {
        publish(&mut publisher, &request).await?;
        received.wait_for(subscribers * (2 + sent).saturating_sub(backlog)).await;
    }
    received.wait_for(subscribers * (1 + messages)).await;
    let (elapsed, cpu) = (started.elapsed(), served.cpu()? - cpu);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let deliveries = (subscribers * messages) as f64;
    Ok(Sample { cpu: cpu * 1e6 / deliveries, per_second: deliveries / elapsed.as_secs_f64(), memory })
}

async fn publish(stream: &mut TcpStream, request: &str) -> Outcome {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = vec![0; 4 << 10];
    let read = stream.read(&mut answer).await?;
    if answer.get(..read).is_some_and(|answer| answer.starts_with(b"HTTP/1.1 201")) {
        return Ok(());
    }
    Err(format!("not published: {}", String::from_utf8_lossy(&answer)).into())
}

/// The servers have the first core.
fn pin_to_second_core() {
    let _ = std::process::Command::new("taskset").args(["-pc", "1", &std::process::id().to_string()]).output();
}

fn print(samples: &BTreeMap<(u64, &str), Vec<Sample>>, subscribers: u32) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{subscribers} subscribers")?;
    writeln!(
        out,
        "| under way | candidate | CPU s per million: median (min-max) | of axum | deliveries/s | KiB a connection |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    for backlog in BACKLOGS {
        let of = |name: &'static str, pick: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = samples.get(&(backlog, name)).into_iter().flatten().map(pick).collect();
            values.sort_by(f64::total_cmp);
            let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
            (at(values.len() / 2), at(0), at(values.len().saturating_sub(1)))
        };
        let reference = of(CANDIDATES[0].0, |sample| sample.cpu).0;
        for (name, _, _) in CANDIDATES {
            let (cpu, least, most) = of(name, |sample| sample.cpu);
            let (rate, memory) = (of(name, |sample| sample.per_second).0, of(name, |sample| sample.memory).0);
            let ratio = cpu / reference;
            writeln!(
                out,
                "| {backlog} | {name} | {cpu:.1} ({least:.1}-{most:.1}) | {ratio:.2} | {rate:.0} | {memory:.1} |"
            )?;
        }
    }
    Ok(())
}
