//! Measures the framework beside its peers, in interleaved rounds on this machine: `cargo xtask bench --help`.
//!
//! The same program is the runner, the load, and most of the servers; what it starts of itself are the parts `serve`
//! and `hold`.

mod arguments;
mod bench;
mod chart;
mod kind;
mod load;
mod machine;
mod nchan;
mod outcome;
mod peer;
mod process;
mod pushpin;
mod quiet;
mod report;
mod server;
mod statistics;
mod table;
mod usage;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Part};
use crate::bench::Bench;
use crate::chart::Panel;
use crate::kind::Kind;
use crate::outcome::Outcome;
use crate::report::Report;
use crate::table::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Outcome {
    match &arguments.part {
        Some(Part::Serve { server }) => return server.run(),
        Some(Part::Hold { peer, authority, connections }) => return kind::memory::hold(*peer, authority, *connections),
        None => {}
    }
    let (kinds, bench) = (Kind::expand(&arguments.kinds), Bench::new(arguments));
    let mut out = std::io::stdout();
    if arguments.needs {
        for need in peer::needs(kinds.iter().flat_map(|kind| bench.wanted(kind.peers()))) {
            writeln!(out, "{need}")?;
        }
        return Ok(());
    }
    process::raise_open_files()?;
    process::pin(&[process::LOAD_CORE])?;
    let mut failed = false;
    for kind in kinds {
        let (mut report, panels) = kind.measure(&bench)?;
        report.judge();
        writeln!(out, "\n{}:\n\n{}", kind.name(), Table(&report))?;
        let mut folders = vec![arguments.folder.clone().map_or_else(own_folder, Ok)?];
        folders.extend(arguments.save.then(|| peer::root().join("docs/figures")));
        folders.iter().try_for_each(|folder| write(folder, &report, &panels))?;
        failed |= report.ours_failed();
    }
    if failed { Err("the framework could not be measured everywhere, see above".into()) } else { Ok(()) }
}

/// Returns the folder `bench` beside the one of this program: in the target folder of cargo.
fn own_folder() -> Outcome<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("the program is in no target folder")?;
    Ok(target.join("bench"))
}

fn write(folder: &Path, report: &Report, panels: &[Panel]) -> Outcome {
    fs::create_dir_all(folder)?;
    let file = |ending: &str| folder.join(format!("{}.{ending}", report.kind()));
    fs::write(file("json"), serde_json::to_string_pretty(report)? + "\n")?;
    fs::write(file("md"), Table(report).to_string())?;
    if let Some(svg) = chart::draw(report, panels)? {
        fs::write(file("svg"), svg)?;
    }
    Ok(())
}
