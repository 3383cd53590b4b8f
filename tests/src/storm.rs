//! The storm: hostile clients of every kind from many addresses, and good ones beside them who must not notice.
//!
//! The server is a process of its own, so that its memory can be measured. A short run tells whether anything breaks;
//! whether good clients are as fast as before only a long one tells, on a machine with nothing else to do.

mod attack;
mod good;
mod options;
mod report;
mod serve;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use feathers::Result;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, nice, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use self::attack::Attack;
pub use self::options::{Options, USAGE};
pub use self::report::Report;
pub use self::serve::serve;

/// How long the server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// The niceness of the attack.
const LOWEST: i32 = 19;

/// Runs good clients alone, and then in the storm.
pub async fn run(options: Options) -> Result<Report> {
    more_files()?;
    let (child, address) = start(options).await?;
    let server = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let server = server.ok_or_else(|| io::Error::other("the server has gone"))?;
    if options.pin {
        pin(server, 0)?;
        pin(rustix::process::getpid(), 1)?;
    }
    let calm = good::run(address, options.calm).await;
    let before = memory(server, "VmRSS")?;
    let attack = Arc::new(Attack::new(address, options));
    let storm = begin(attack.clone(), options.time)?;
    let stormy = good::run(address, options.time).await;
    storm.await.map_err(io::Error::other)?;
    let most = memory(server, "VmHWM")?;
    let after = good::run(address, Duration::from_secs(1)).await;
    Ok(Report { calm, stormy, after, attempts: attack.attempts(), before, most, strict: options.strict })
}

/// Runs the attack on a thread of its own, which gives way to the good clients: what they measure is the server.
fn begin(attack: Arc<Attack>, time: Duration) -> io::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (sender, ended) = oneshot::channel();
    std::thread::Builder::new().name("attack".to_owned()).spawn(move || {
        // On Linux the niceness is that of the thread; without it the figures are only worse.
        let _ = nice(LOWEST);
        runtime.block_on(attack.run(time));
        let _ = sender.send(());
    })?;
    Ok(ended)
}

/// Starts the server and returns its address. It ends with this process.
async fn start(options: Options) -> io::Result<(Child, SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    if options.pin {
        // As on a machine of one core: two threads on it would wait for each other.
        command.env("TOKIO_WORKER_THREADS", "1");
    }
    let mut child = command.env("RUST_LOG", "error").spawn()?;
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("the server has no output"))?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(PATIENCE, lines.next_line()).await??.unwrap_or_default();
    let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| io::Error::other(format!("the server says '{line}'")))?;
    // The server goes on to write, and must not wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, address))
}

/// Opens as many files as the system allows; the server inherits that.
fn more_files() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

/// Keeps a process to one core.
fn pin(process: Pid, core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    let folder = std::fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()))?;
    for entry in folder {
        let name = entry?.file_name();
        if let Some(thread) = name.to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw) {
            sched_setaffinity(Some(thread), &cores)?;
        }
    }
    Ok(())
}

/// Returns a figure of a process's memory in bytes.
fn memory(process: Pid, name: &str) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes << 10).ok_or_else(|| io::Error::other(format!("no {name}")))
}
