//! Measures the time of each benchmark: `cargo bench -p feathers-micro [part of a name]`.

use std::time::{Duration, Instant};

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    for bench in feathers_micro::all() {
        // Made when it is its turn, and only once.
        let mut work = None;
        criterion.bench_function(bench.name(), |bencher| {
            let work = work.get_or_insert_with(|| bench.prepare().unwrap_or_else(|error| panic!("{bench:?}: {error}")));
            bencher.iter_custom(|times| {
                let start = Instant::now();
                let done = work(times);
                let elapsed = start.elapsed();
                done.unwrap_or_else(|error| panic!("{bench:?}: {error}"));
                elapsed
            });
        });
    }
    criterion.final_summary();
}
