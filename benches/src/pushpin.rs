//! The peer Pushpin, which Debian has, in a folder of its own.

use std::fs;
use std::path::Path;

use crate::outcome::Outcome;
use crate::peer::folder;
use crate::process::{Served, free_port};

const PROGRAM: &str = "/usr/bin/pushpin";

/// Tells whether it is installed.
pub(crate) fn is_installed() -> bool {
    Path::new(PROGRAM).is_file()
}

/// Starts it at free ports: one for clients, one for messages.
pub(crate) fn start() -> Outcome<Served> {
    let (port, control) = (free_port()?, free_port()?);
    let run = tempfile::tempdir()?;
    let path = run.path().to_string_lossy().into_owned();
    let template = fs::read_to_string(folder().join("peers/pushpin.conf"))?;
    let text = template
        .replace("@RUN@", &path)
        .replace("@PORT@", &port.to_string())
        .replace("@CONTROL@", &control.to_string());
    let configuration = run.path().join("pushpin.conf");
    fs::write(&configuration, text)?;
    fs::write(run.path().join("routes"), "* test\n")?;
    let argument = format!("--config={}", configuration.display());
    let control = format!("127.0.0.1:{control}");
    // Its processes listen one after the other; the one that takes messages is among the last.
    let served = Served::start_at(Path::new(PROGRAM), &[&argument], &[], &control, run)?;
    served.listening_at(format!("127.0.0.1:{port}"))
}
