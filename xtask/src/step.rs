//! Steps: one command each, announced, timed, and checked.
//!
//! A step runs in the foreground and its children end with it; nothing is left running.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Why a chore stopped.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// What became of a chore.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Says why.
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs a whole chore and prints how long it took.
pub(crate) fn timed(chore: impl FnOnce() -> Outcome) -> Outcome {
    let start = Instant::now();
    let outcome = chore();
    println!("\ntotal {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// Runs one step that is no command of its own.
pub(crate) fn announced<T>(title: &str, step: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    println!("\n==> {title}");
    let start = Instant::now();
    let outcome = step();
    println!("--- {title}: {:.1} s", start.elapsed().as_secs_f64());
    outcome
}

/// Runs one command; anything but exit code 0 is a failure.
pub(crate) fn run(title: &str, command: &mut Command) -> Outcome {
    println!("\n==> {title}");
    let start = Instant::now();
    let status = command.status().map_err(|error| Failure::new(format!("{title}: {command:?}: {error}")))?;
    println!("--- {title}: {:.1} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(Failure::new(format!("{title} ({status})"))) }
}

/// Tells whether a command is there and works.
pub(crate) fn works(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns what a command prints.
pub(crate) fn output(title: &str, command: &mut Command) -> Outcome<String> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| Failure::new(format!("{title}: {error}")))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::new(format!("{title} ({})", output.status)))
    }
}

/// Starts a cargo command in the root of the workspace, with the cargo that runs this.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_path_buf()
}
