//! The budget: how many instructions each hot part may take, and whether it still does.
//!
//! Instructions are counted by callgrind, which emulates the processor, so the count is the same on a busy machine as
//! on a quiet one. It is the same on every machine with the compiler that `rust-toolchain.toml` names.

mod callgrind;
mod file;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use self::callgrind::Count;
use self::file::Budget;
use crate::install;
use crate::step::{Failure, Outcome, cargo, output, run};
use crate::task::target;

const PACKAGE: &str = "feathers-micro";

/// The processors that the budget is for.
const MACHINE: &str = "x86_64";

/// What is done with the counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// They are compared with the budget.
    Check,
    /// They become the budget.
    Bless,
}

/// Counts the instructions of every benchmark whose name begins like this, and checks or sets the budget.
pub(crate) fn budget(goal: Goal, beginning: &str) -> Outcome {
    if std::env::consts::ARCH != MACHINE {
        println!("\n==> budget: not checked, it is for {MACHINE} and this is {}", std::env::consts::ARCH);
        return Ok(());
    }
    let valgrind = install::valgrind()?;
    run("build of the benchmarks", &mut cargo(&["build", "--release", "--package", PACKAGE, "--bins"]))?;
    let program = target()?.join("release").join(PACKAGE);
    let counts = crate::step::announced("instructions", || count(&valgrind, &program, beginning))?;
    let mut budget = Budget::read()?;
    match goal {
        Goal::Bless => {
            budget.set(counts, beginning);
            budget.write()
        }
        Goal::Check => budget.check(&counts, beginning),
    }
}

/// Prints where the instructions of one benchmark go, function by function with all that it calls.
pub(crate) fn profile(name: &str) -> Outcome {
    let valgrind = install::valgrind()?;
    // Apart, since other settings would rebuild everything each time.
    let folder = target()?.join("profile");
    let mut build = cargo(&["build", "--release", "--package", PACKAGE, "--bins", "--target-dir"]);
    build.arg(&folder).env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only");
    run("build of the benchmarks", &mut build)?;
    let program = folder.join("release").join(PACKAGE);
    let count = Count::new(&valgrind, &program, name);
    count.instructions(1)?;
    let mut annotate = Command::new("callgrind_annotate");
    annotate.args(["--inclusive=yes", "--auto=no", "--threshold=95"]).arg(count.second_part());
    run(name, &mut annotate)
}

/// Counts, on all cores at once.
fn count(valgrind: &Path, program: &Path, beginning: &str) -> Outcome<BTreeMap<String, u64>> {
    let listed = output("list of the benchmarks", &mut Command::new(program))?;
    let benches = listed.lines().filter_map(|line| {
        let (name, times) = line.split_once(' ')?;
        Some((name, times.parse().ok()?)).filter(|_| name.starts_with(beginning))
    });
    // The long ones are the last of their kind, and nothing waits for them if they come first.
    let waiting = Mutex::new(benches.collect::<Vec<(&str, u64)>>());
    let next = || waiting.lock().ok()?.pop();
    let worker = || {
        let mut counts = BTreeMap::new();
        while let Some((name, times)) = next() {
            counts.insert(name.to_owned(), Count::new(valgrind, program, name).instructions(times)?);
        }
        Ok(counts)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let mut all = BTreeMap::new();
        for worker in workers {
            all.extend(worker.join().map_err(|_| Failure::new("a worker panicked"))??);
        }
        if all.is_empty() { Err(Failure::new(format!("no benchmark begins with `{beginning}`"))) } else { Ok(all) }
    })
}
