//! The project's chores, as `cargo xtask <task>`: what CI runs is what you run.
//!
//! Every chore is a list of steps; the first that fails ends it. Nothing is installed but what a step needs and what
//! is missing.

#![expect(clippy::print_stdout, reason = "a command line tool talks on its standard output")]

mod api;
mod bench;
mod budget;
mod fuzz;
mod install;
mod release;
mod slowest;
mod step;
mod task;

use std::process::ExitCode;

use crate::budget::Goal;
use crate::step::Outcome;

const USAGE: &str = "\
cargo xtask <task>

  ci             everything that CI runs: `check`, then `test`, then `release`, then `budget`
  check          format, lints and docs: what needs no running server
  test [--long]  all tests: Rust, docs, the official clients, a real browser; installs what they need
                 and is missing, and prints the ten slowest. --long adds the tests that are marked as slow
  test rust      the Rust tests only
  test faults    the checker: readers on every transport, faults, and whether anything was missed
  test storm [--long]
                 good clients beside hostile ones from many addresses; --long is ten minutes of 5,000 of them,
                 each process on a core of its own, and fails if good clients are slower than before
  test js [NAME] the tests under Node only; NAME is the start of a file name in tests/js/test
  budget [NAME] [--bless]
                 counts the instructions of the hot parts whose names begin like NAME, and fails if there are more
                 than in benches/budget.json; --bless sets the budget
  budget --profile NAME
                 prints in which functions the instructions of one hot part are
  bench [WHAT]   measures the framework beside its peers; installs those that are missing, where it can.
                 WHAT is rest, fanout, cold, memory, burst, channels, resume, stopped, logins or
                 all; --help says more. --before REVISION measures it in pairs with an earlier revision
  fuzz TARGET [SECONDS]
                 feeds a target of fuzz/targets with inputs that it makes up, for a minute if nothing is said
  api [--bless]  compares the public API of each crate with its listing in docs/public-api, and looks for methods
                 without an example; --bless writes the listings
  release        checks what a release must hold: packages, each feature alone, the oldest compiler, the public API,
                 and, where the tools for them are installed, spelling, licences and known weaknesses of dependencies
  bless          accepts what macros print and expand to now, as the expected output";

fn main() -> ExitCode {
    if let Some(code) = api::rustdoc() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["ci"] => step::timed(|| {
            task::check()?;
            task::test(task::Length::Short)?;
            release::release()?;
            budget::budget(Goal::Check, "")
        }),
        ["check"] => step::timed(task::check),
        ["test"] => step::timed(|| task::test(task::Length::Short)),
        ["test", "--long"] => step::timed(|| task::test(task::Length::Long)),
        ["test", "rust"] => step::timed(|| slowest::listed(|| task::test_rust(task::Length::Short))),
        ["test", "faults"] => step::timed(|| task::test_faults(task::Length::Short)),
        ["test", "storm"] => step::timed(|| task::test_storm(task::Length::Short)),
        ["test", "storm", "--long"] => step::timed(|| task::test_storm(task::Length::Long)),
        ["test", "js"] => step::timed(|| slowest::listed(|| task::test_js(None, task::Length::Short))),
        ["test", "js", name] => step::timed(|| slowest::listed(|| task::test_js(Some(name), task::Length::Short))),
        ["budget", "--profile", name] => step::timed(|| budget::profile(name)),
        ["budget", "--bless"] => step::timed(|| budget::budget(Goal::Bless, "")),
        ["budget", name, "--bless"] => step::timed(|| budget::budget(Goal::Bless, name)),
        ["budget"] => step::timed(|| budget::budget(Goal::Check, "")),
        ["budget", name] => step::timed(|| budget::budget(Goal::Check, name)),
        ["bench", arguments @ ..] => step::timed(|| bench::bench(arguments)),
        ["fuzz", target] => step::timed(|| fuzz::fuzz(target, "60")),
        ["fuzz", target, seconds] => step::timed(|| fuzz::fuzz(target, seconds)),
        ["api"] => step::timed(|| api::api(api::Goal::Check)),
        ["api", "--bless"] => step::timed(|| api::api(api::Goal::Bless)),
        ["release"] => step::timed(release::release),
        ["bless"] => step::timed(task::bless),
        ["help" | "--help" | "-h"] | [] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(step::Failure::new(format!("unknown task `{}`\n\n{USAGE}", arguments.join(" ")))),
    };
    finish(outcome)
}

fn finish(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            println!("\nFAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}
