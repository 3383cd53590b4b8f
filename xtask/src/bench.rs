//! Benchmarks: builds what is measured, installs the peers that are wanted, and runs `feathers-benches`.

use std::path::Path;
use std::process::Command;

use crate::install;
use crate::step::{Outcome, cargo, output, root, run};
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
        // By itself, since its features would be added to those of what else is built.
        "todo" => run("build of todo", &mut cargo(&["build", "--release", "--package", "todo"]))?,
        "nchan" if !Path::new("/usr/lib/nginx/modules/ngx_nchan_module.so").is_file() => {
            optional("libnginx-mod-nchan");
        }
        "pushpin" if !Path::new("/usr/bin/pushpin").is_file() => optional("pushpin"),
        _ => {}
    }
    Ok(())
}
