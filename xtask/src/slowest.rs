//! The slowest tests, which are printed at the end of a run, so that a test that only waits is seen.

use std::fs;
use std::path::PathBuf;

use crate::step::Outcome;
use crate::task;

/// How many are printed.
const PRINTED: usize = 10;

/// A test: how many seconds it took, and its name.
type Timed = (f64, String);

/// Runs tests and prints the slowest, also where some have failed.
pub(crate) fn listed(tests: impl FnOnce() -> Outcome) -> Outcome {
    let (rust, node) = (rust()?, node()?);
    for file in [&rust, &node] {
        let _ = fs::remove_file(file);
    }
    let outcome = tests();
    let read = |file: PathBuf| fs::read_to_string(file).unwrap_or_default();
    let mut timed = of_junit(&read(rust));
    timed.extend(read(node).lines().filter_map(of_line));
    timed.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    if !timed.is_empty() {
        println!("\nthe slowest tests:");
    }
    for (seconds, name) in timed.iter().take(PRINTED) {
        println!("{seconds:7.1} s  {name}");
    }
    outcome
}

/// Returns where nextest writes the times of its tests.
fn rust() -> Outcome<PathBuf> {
    Ok(task::target()?.join("nextest/default/junit.xml"))
}

/// Returns where the tests under Node write their times.
pub(crate) fn node() -> Outcome<PathBuf> {
    Ok(task::target()?.join("node-tests.txt"))
}

/// Reads the times of a report of `JUnit`.
fn of_junit(report: &str) -> Vec<Timed> {
    let timed = |case: &str| {
        let attributes = &case[..case.find('>')?];
        let value = |name: &str| {
            let (_, rest) = attributes.split_once(&format!(" {name}=\""))?;
            Some(&rest[..rest.find('"')?])
        };
        Some((value("time")?.parse().ok()?, format!("{} {}", value("classname")?, value("name")?)))
    };
    report.split("<testcase").skip(1).filter_map(timed).collect()
}

/// Reads a line: seconds, a tab, the name.
fn of_line(line: &str) -> Option<Timed> {
    let (seconds, name) = line.split_once('\t')?;
    Some((seconds.parse().ok()?, name.to_owned()))
}

#[test]
fn times_are_read_from_both_reports() {
    let report = r#"<testsuite name="a"><testcase name="b::c" classname="a::it" timestamp="x" time="1.250">
        </testcase><testcase name="d" classname="a" time="0.5"/></testsuite>"#;
    assert_eq!(of_junit(report), [(1.25, "a::it b::c".to_owned()), (0.5, "a d".to_owned())]);
    assert_eq!(of_line("2.5\tchat page: says so"), Some((2.5, "chat page: says so".to_owned())));
}
