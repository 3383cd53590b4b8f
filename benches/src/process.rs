//! Child processes: servers on one core, and how much of it they use.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Whether it went well.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Says on standard output where a server listens.
pub(crate) fn announce(address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "http://{address}").and_then(|()| out.flush());
}

/// A server of this program, pinned to the first core unless others are named; it ends with the value.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
}

impl Served {
    pub(crate) fn start(which: &str) -> Outcome<Self> {
        Self::start_on("0", which)
    }

    /// Starts a server on these cores.
    pub(crate) fn start_on(cores: &str, which: &str) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let mut child = Command::new("taskset")
            .args(["-c", cores])
            .arg(program)
            .args(["serve", which])
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut url = String::new();
        BufReader::new(out).read_line(&mut url)?;
        Ok(Self { child, url: url.trim().to_owned() })
    }

    /// Returns the processor time that the server has used so far, in seconds.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let mut nanoseconds = 0_u64;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
            nanoseconds += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds).as_secs_f64())
    }

    /// Returns the memory that the server holds, in KiB.
    pub(crate) fn memory(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
