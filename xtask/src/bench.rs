//! Benchmarks: builds what is measured, installs the peers that are wanted, and runs `feathers-benches`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install;
use crate::step::{Failure, Outcome, cargo, output, root, run};
use crate::task::target;

/// Hands the arguments to the program that measures; it knows them, and says what is wrong with them.
///
/// It is handed a program for `--before`, where this takes a revision, which is built here.
pub(crate) fn bench(arguments: &[&str]) -> Outcome {
    let mut arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--before")
        && let Some(revision) = arguments.get_mut(at + 1)
    {
        *revision = build_revision(revision)?.display().to_string();
    }
    run("build", &mut cargo(&["build", "--release", "--package", "feathers-benches"]))?;
    let program = target()?.join("release/feathers-benches");
    if !asks_for_help(&arguments) {
        let needs = output("what is needed", Command::new(&program).args(&arguments).arg("--needs"))?;
        for need in needs.lines() {
            prepare(need)?;
        }
    }
    run("bench", Command::new(program).args(arguments))
}

/// Builds the benchmarks of a revision in a checkout of its own, and returns the program.
fn build_revision(revision: &str) -> Outcome<PathBuf> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(root());
        command
    };
    let commit = output("git rev-parse", &mut git(&["rev-parse", "--verify", &format!("{revision}^{{commit}}")]))?;
    let commit = commit.trim();
    let folder = target()?.join("before").join(commit);
    let program = folder.join("target/release/feathers-benches");
    if program.is_file() {
        return Ok(program);
    }
    if !folder.join("Cargo.toml").is_file() {
        let checkout = ["worktree", "add", "--force", "--detach", &folder.to_string_lossy(), commit];
        run(&format!("checkout of {revision}"), &mut git(&checkout))?;
    }
    let mut build = cargo(&["build", "--release", "--package", "feathers-benches"]);
    run(&format!("build of {revision}"), build.current_dir(&folder).env("CARGO_TARGET_DIR", folder.join("target")))?;
    Ok(program)
}

fn asks_for_help(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| matches!(argument.as_str(), "--help" | "-h" | "help"))
}

/// Installs what some peers need. Peers of Debian are left out where they cannot be installed.
fn prepare(need: &str) -> Outcome {
    let optional = |package| {
        if let Err(failure) = install::apt(package) {
            println!("its peers are left out: {failure}");
        }
    };
    match need {
        "npm" => install::npm(&root().join("benches/node"))?,
        "todo" => todo()?,
        "nchan" if !Path::new("/usr/lib/nginx/modules/ngx_nchan_module.so").is_file() => {
            optional("libnginx-mod-nchan");
        }
        "pushpin" if !Path::new("/usr/bin/pushpin").is_file() => optional("pushpin"),
        _ => {}
    }
    Ok(())
}

/// Builds the example as it is, and without GRIP.
fn todo() -> Outcome {
    // By itself, since its features would be added to those of what else is built.
    let build = ["build", "--release", "--package", "todo"];
    let folder = target()?.join("release");
    run("build of todo without GRIP", cargo(&build).arg("--no-default-features"))?;
    fs::copy(folder.join("todo"), folder.join("todo-without-grip"))
        .map_err(|error| Failure::new(format!("todo cannot be copied: {error}")))?;
    run("build of todo", &mut cargo(&build))
}
