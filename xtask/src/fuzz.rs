//! Fuzzing: a target of `fuzz/targets` is built with coverage and run for a while, on the stable compiler.

use std::fs;
use std::process::Command;

use crate::step::{Failure, Outcome, cargo, output, root, run};

/// What `cargo fuzz` builds with, but for the sanitizers: those need a nightly compiler, and `unsafe` is forbidden
/// here.
const FLAGS: &str = "--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Fuzzes a target for so many seconds; what it has found interesting is kept for the next time.
///
/// An input that breaks a law ends this as a failure; libFuzzer prints where it has put the input.
pub(crate) fn fuzz(target: &str, seconds: &str) -> Outcome {
    let targets = root().join("fuzz/targets");
    if !targets.join(target).with_extension("rs").is_file() || seconds.parse::<u32>().is_err() {
        return Err(Failure::new(format!("no target `{target}` in fuzz/targets, or `{seconds}` is no number")));
    }
    let folder = root().join("target/fuzz");
    let corpus = folder.join("corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|error| Failure::new(format!("{}: {error}", corpus.display())))?;
    // A named platform keeps the flags away from build scripts.
    let version = output("rustc -vV", Command::new("rustc").arg("-vV"))?;
    let platform = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let mut build = cargo(&["build", "--release", "--bin", target, "--target", platform]);
    build.current_dir(root().join("fuzz")).env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &folder);
    run("build with coverage", &mut build)?;
    let mut program = Command::new(folder.join(platform).join("release").join(target));
    program.arg(&corpus).arg(format!("-max_total_time={seconds}")).arg("-max_len=4096").current_dir(&folder);
    program.arg(format!("-dict={}", targets.join(target).with_extension("dict").display()));
    run(&format!("fuzz {target}"), &mut program)
}
