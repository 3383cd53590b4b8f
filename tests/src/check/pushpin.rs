//! A real Pushpin in front of the server, and the relay on the way on which events are published to it.
//!
//! The relay loses some of what is published and says that all is well: the proxy must find the gaps.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::process::Signal;

/// How long it may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// What signs its requests.
const KEY: &str = "the-checker-and-its-proxy-share-this";

/// A Pushpin with its children; all are killed when this is dropped.
#[derive(Debug)]
pub(super) struct Pushpin {
    folder: PathBuf,
    port: u16,
    control: u16,
    running: Option<Child>,
}

impl Pushpin {
    /// Takes ports and a folder for one that is started later.
    pub(super) fn prepare() -> io::Result<Self> {
        let (port, control) = (free_port(), free_port());
        let folder = std::env::temp_dir().join(format!("feathers-check-{}-{port}", std::process::id()));
        for name in ["run", "log"] {
            fs::create_dir_all(folder.join(name))?;
        }
        fs::write(folder.join("pushpin.conf"), configuration(port, control))?;
        Ok(Self { folder, port, control, running: None })
    }

    /// Returns where clients connect to.
    pub(super) fn door(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns where events are published to.
    pub(super) fn control(&self) -> String {
        format!("127.0.0.1:{}", self.control)
    }

    /// Returns the setting of the server, for what stands before the control endpoint.
    pub(super) fn setting(control: &str) -> String {
        format!("http://{control}/?verify-iss=pushpin&verify-key={KEY}")
    }

    /// Starts it in front of an app, and waits until it listens.
    pub(super) async fn start(&mut self, app: &str) -> io::Result<()> {
        fs::write(self.folder.join("routes"), format!("* {app},over_http\n"))?;
        // It does not outlive the checker: the shell ends it when its input does.
        let script = "\"$0\" --config=pushpin.conf --merge-output & cat > /dev/null; kill $!; wait $!";
        let program = std::env::var_os("PUSHPIN").unwrap_or_else(|| "pushpin".into());
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(program).current_dir(&self.folder);
        let output = fs::File::create(self.folder.join("log/output"))?;
        command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::null());
        self.running = Some(command.spawn()?);
        self.until(true).await
    }

    /// Waits until it listens, or does not any more.
    async fn until(&self, listens: bool) -> io::Result<()> {
        let waiting = async {
            for address in [self.door(), self.control()] {
                while TcpStream::connect(&address).await.is_ok() != listens {
                    sleep(Duration::from_millis(20)).await;
                }
            }
        };
        let said = || io::Error::other(format!("{:?}", fs::read_to_string(self.folder.join("log/output"))));
        timeout(PATIENCE, waiting).await.map_err(|_| said())
    }

    /// Ends it in this way, and waits for that.
    pub(super) async fn end(&mut self, how: Signal) -> io::Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let family = family(running.id());
        if how == Signal::Term {
            drop(running.stdin.take());
            if timeout(PATIENCE, running.wait()).await.is_err() {
                return Err(io::Error::other("Pushpin did not stop within 20 s"));
            }
        }
        kill(&family);
        running.wait().await?;
        // Its children are not our own, so their ends cannot be waited for.
        self.until(false).await
    }
}

impl Drop for Pushpin {
    fn drop(&mut self) {
        kill(&family(self.running.as_ref().and_then(Child::id)));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns a port that is free, and that no system gives away by itself meanwhile.
fn free_port() -> u16 {
    loop {
        let port = rand::random_range(15_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Returns a process and its descendants, some of which are in process groups of their own.
fn family(id: Option<u32>) -> Vec<u32> {
    let parent = |id: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name before may hold anything, brackets too.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mut family: Vec<u32> = id.into_iter().collect();
    let mut next = 0;
    while let Some(id) = family.get(next).copied() {
        family.extend(all.iter().filter(|child| parent(**child) == Some(id)));
        next += 1;
    }
    family
}

/// Kills processes, as far as there are any left.
fn kill(ids: &[u32]) {
    let ids = ids.iter().map(ToString::to_string);
    let _ = std::process::Command::new("kill").args(["-s", "KILL"]).args(ids).stderr(Stdio::null()).status();
}

/// The page that has the configuration.
const GUIDE: &str = include_str!("../../../docs/guide/grip.md");

/// Writes the configuration of the guide with other ports and folders; a gap is taken for one soon.
fn configuration(port: u16, control: u16) -> String {
    let block = GUIDE.split_once("```ini\n").and_then(|(_, rest)| rest.split_once("```"));
    let (block, _) = block.expect("the guide shows a configuration");
    let line = |line: &str| {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        match name {
            "rundir" => "rundir=run".to_owned(),
            "logdir" => "logdir=log".to_owned(),
            "http_port" => format!("http_port=127.0.0.1:{port}"),
            "push_in_http_port" => format!("push_in_http_port={control}"),
            "sig_key" => format!("sig_key={KEY}"),
            "message_wait" => "message_wait=300".to_owned(),
            _ if value.starts_with("tcp:") => format!("{name}=ipc://{{rundir}}/{{ipc_prefix}}{name}"),
            _ => line.to_owned(),
        }
    };
    block.lines().map(line).collect::<Vec<_>>().join("\n")
}
