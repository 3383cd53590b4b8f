//! Processes of this program: the server, and a host of readers that can be stopped.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::options::Options;
use super::serve;

/// How long a process may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A child process; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// When this is closed, or this process is gone, the child ends by itself.
    pub(super) stdin: Option<ChildStdin>,
    pub(super) lines: Lines<BufReader<ChildStdout>>,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// At once.
    Kill,
    /// In its own time.
    Term,
    /// Not at all: it stands still.
    Stop,
    /// It continues.
    Cont,
}

impl Process {
    /// Starts the server, for a proxy if one is named by its `GRIP_URL`, and returns its address.
    pub(super) async fn server(options: &Options, proxy: Option<&str>) -> io::Result<(Self, SocketAddr)> {
        static STARTS: AtomicU32 = AtomicU32::new(0);
        let mut command = own("serve")?;
        // Every second server batches its events, so that each run has both kinds.
        let gathers = STARTS.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        command.env(serve::GATHER_MS, if gathers { "1" } else { "0" });
        command.env("RUST_LOG", "error");
        command.env(serve::RETAIN, options.retain.to_string());
        command.env(serve::SABOTAGE, options.sabotage.map(|way| way.to_string()).unwrap_or_default());
        command.env("GRIP_URL", proxy.unwrap_or_default());
        let mut process = Self::spawn(command)?;
        let line = timeout(PATIENCE, process.lines.next_line()).await??.unwrap_or_default();
        let address = line.strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| io::Error::other(format!("the server says '{line}'")))?;
        Ok((process, address))
    }

    /// Starts a host of readers.
    pub(super) fn readers() -> io::Result<Self> {
        Self::spawn(own("read")?)
    }

    fn spawn(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("a child without an output"))?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, lines: BufReader::new(stdout).lines() })
    }

    /// Returns the number by which [`signal`] knows it.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends it and waits for that; one that does not end in time is killed.
    pub(super) async fn end(&mut self, how: Signal) -> io::Result<()> {
        if let Some(id) = self.id() {
            signal(id, how).await?;
        }
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
            return Err(io::Error::other("the server did not stop within 20 s"));
        }
        Ok(())
    }
}

/// Sends a signal to one process.
pub(super) async fn signal(id: u32, how: Signal) -> io::Result<()> {
    let name = match how {
        Signal::Kill => "KILL",
        Signal::Term => "TERM",
        Signal::Stop => "STOP",
        Signal::Cont => "CONT",
    };
    Command::new("kill").args(["-s", name, &id.to_string()]).status().await.map(drop)
}

fn own(role: &str) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(role);
    Ok(command)
}
