//! A tiny run without peers: everything works from the start of a server to the files, whatever the figures are.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs the benchmark for an instant, and returns the report that it has written.
fn run(kind: &str, arguments: &[&str]) -> Value {
    let program = Path::new(env!("CARGO_BIN_EXE_feathers-benches"));
    let tiny = ["--alone", "--rounds", "1", "--wait", "0"];
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let output =
        Command::new(program).arg(kind).args(tiny).arg("--folder").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = |ending: &str| std::fs::read_to_string(folder.join(format!("{kind}.{ending}"))).unwrap();
    assert!(written("svg").contains("</svg>"));
    assert!(written("md").contains("| work | peer |"));
    serde_json::from_str(&written("json")).unwrap()
}

/// Returns the first sample of every row, with the names of the figures.
fn samples(report: &Value) -> Vec<(String, Vec<(String, f64)>)> {
    let titles: Vec<&str> = report["metrics"].as_array().unwrap().iter().filter_map(|m| m["title"].as_str()).collect();
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let values = row["samples"][0]["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap());
        let name = format!("{} {}", row["work"].as_str().unwrap(), row["peer"].as_str().unwrap());
        (name, titles.iter().map(|title| (*title).to_owned()).zip(values).collect())
    })
    .collect()
}

#[test]
fn rest_is_measured() {
    let report = run("rest", &["--seconds", "0.5"]);
    let samples = samples(&report);
    assert_eq!(samples.len(), 6, "get, find and create, with and without hooks");
    for (name, values) in samples {
        for (title, value) in values.iter().filter(|(title, _)| title != "of it user µs") {
            assert!(*value > 0.0, "{name}: {title} is {value}");
        }
    }
}

#[test]
fn fanout_is_measured_and_nothing_is_lost() {
    let report = run("fanout", &["--seconds", "0.5", "--subscribers", "20"]);
    let samples = samples(&report);
    assert_eq!(samples.len(), 12, "three paces on three transports, and on one where events are batched");
    for (name, values) in samples {
        let value = |wanted: &str| values.iter().find(|(title, _)| title == wanted).unwrap().1;
        assert!(value("deliveries/s") > 0.0, "{name}");
        assert!(value("lost") == 0.0, "{name} has lost messages");
    }
}
