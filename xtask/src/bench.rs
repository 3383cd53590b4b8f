//! Benchmarks: builds what is measured, installs the peers that are wanted, and runs `feathers-benches`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::install;
use crate::step::{Failure, Outcome, cargo, output, root, run};
use crate::task::target;

/// Hands the arguments to the program that measures; it knows them, and says what is wrong with them.
pub(crate) fn bench(arguments: &[&str]) -> Outcome {
    run("build", &mut cargo(&["build", "--release", "--package", "feathers-benches"]))?;
    let program = target()?.join("release/feathers-benches");
    if !asks_for_help(arguments) {
        let needs = output("what is needed", Command::new(&program).args(arguments).arg("--needs"))?;
        for need in needs.lines() {
            prepare(need)?;
        }
    }
    run("bench", Command::new(program).args(arguments))
}

fn asks_for_help(arguments: &[&str]) -> bool {
    arguments.iter().any(|argument| matches!(*argument, "--help" | "-h" | "help"))
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
