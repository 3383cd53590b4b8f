//! Servers as child processes: pinned to a core, known by their URL, gone with the value.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::thread::{CpuSet, sched_setaffinity};

use tempfile::TempDir;

use crate::outcome::Outcome;
use crate::usage::family;

/// The core that servers run on.
pub(crate) const SERVER_CORE: &str = "0";

/// The core that the load runs on.
pub(crate) const LOAD_CORE: usize = 1;

/// What is used where server and load share the machine.
pub(crate) const BOTH_CORES: [usize; 2] = [0, LOAD_CORE];

/// How long a server may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long between two looks whether a server listens already: far less than any needs to start.
const LOOK: Duration = Duration::from_micros(500);

/// Says on standard output where a server listens.
pub(crate) fn announce(address: SocketAddr) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "http://{address}").and_then(|()| out.flush());
}

/// Puts this thread, and what it starts from now on, on some cores.
pub(crate) fn pin(to: &[usize]) -> Outcome {
    let mut cores = CpuSet::new();
    for core in to {
        cores.set(*core);
    }
    sched_setaffinity(None, &cores).map_err(|error| format!("two cores are needed: {error}"))?;
    Ok(())
}

/// Raises the number of open files as far as the system lets it; children inherit it.
pub(crate) fn raise_open_files() -> Outcome {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    Ok(rustix::process::setrlimit(Resource::Nofile, raised)?)
}

/// A server with everything that it has started.
#[derive(Debug)]
pub(crate) struct Served {
    child: Child,
    /// Kept, so that the server has somewhere to print to.
    _output: Option<ChildStdout>,
    /// Where it keeps its files.
    _folder: Option<TempDir>,
    /// Where it listens, as `host:port`.
    pub(crate) authority: String,
    /// Where it takes messages, as `host:port`.
    pub(crate) intake: String,
}

impl Served {
    /// Starts a server that prints its URL.
    pub(crate) fn start(program: &Path, arguments: &[&str], cores: &str) -> Outcome<Self> {
        let mut child = pinned(program, arguments, cores).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("the server has no output")?);
        let mut url = String::new();
        output.read_line(&mut url)?;
        let Some(authority) = url.trim().strip_prefix("http://").map(str::to_owned) else {
            let _ = child.kill();
            let status = child.wait()?;
            return Err(format!("{} {} has not started ({status})", program.display(), arguments.join(" ")).into());
        };
        let intake = authority.clone();
        Ok(Self { child, _output: Some(output.into_inner()), _folder: None, authority, intake })
    }

    /// Starts a server that prints nothing and has a folder for its files, and waits until it accepts connections.
    pub(crate) fn start_at(
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        authority: &str,
        folder: TempDir,
    ) -> Outcome<Self> {
        let mut command = pinned(program, arguments, SERVER_CORE);
        let child = command.envs(variables.iter().copied()).stdout(Stdio::null()).spawn()?;
        let intake = authority.to_owned();
        let served = Self { child, _output: None, _folder: Some(folder), authority: intake.clone(), intake };
        served.listening_at(authority.to_owned())
    }

    /// Waits until it accepts connections at an address, and takes that for where it listens.
    pub(crate) fn listening_at(mut self, authority: String) -> Outcome<Self> {
        let start = Instant::now();
        while TcpStream::connect(&authority).is_err() {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server for {authority} has ended ({status})").into());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("no server listens at {authority}").into());
            }
            std::thread::sleep(LOOK);
        }
        self.authority = authority;
        Ok(self)
    }

    /// Returns the process and all that it has started up to now.
    pub(crate) fn pids(&self) -> Vec<u32> {
        family(self.child.id())
    }
}

/// Returns a port that is free now.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn pinned(program: &Path, arguments: &[&str], cores: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]).arg(program).args(arguments).env("NODE_ENV", "production").stdin(Stdio::null());
    command
}

impl Drop for Served {
    /// Asks it to end, so that it ends its children; insists after a while.
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
