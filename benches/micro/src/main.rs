//! Counts instructions, under `valgrind --tool=callgrind`; `cargo xtask budget` runs it.
//!
//! Without an argument it prints the names of the benchmarks.
//! With a name it does that benchmark's work once to warm up, then inside a function that callgrind looks for: once, and
//! once more with twice as many operations.
//! The difference of the two is what the operations cost, without what is done once however many they are.

#![expect(clippy::print_stdout, reason = "a command line tool talks on its standard output")]

use std::hint::black_box;

use feathers::{Error, Result};
use feathers_micro::Work;

fn main() -> Result<()> {
    let Some(name) = std::env::args().nth(1) else {
        feathers_micro::all().for_each(|bench| println!("{} {}", bench.name(), bench.times()));
        return Ok(());
    };
    let bench = feathers_micro::all().find(|bench| bench.name() == name);
    let bench = bench.ok_or_else(|| Error::not_found(format!("no benchmark {name}")))?;
    let mut work = bench.prepare()?;
    work(bench.times())?;
    counted(&mut work, bench.times())?;
    counted(&mut work, 2 * bench.times())
}

/// What is counted. callgrind knows it by its name.
#[inline(never)]
fn counted(work: &mut Work, times: u64) -> Result<()> {
    // Not the last thing here, since a jump would not be seen as a call.
    black_box(work(black_box(times)))
}
