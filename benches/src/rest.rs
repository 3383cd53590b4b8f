//! REST: the framework beside axum by hand, driven by `wrk` with 64 connections.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Command;

use crate::process::{Outcome, Served};

const CANDIDATES: [&str; 3] = ["axum", "framework", "hooks"];
const WORK: [(&str, &str); 3] = [("get", "/messages/5"), ("find", "/messages?$limit=10"), ("create", "/messages")];

/// What one run of `wrk` showed.
#[derive(Clone, Copy)]
struct Sample {
    per_second: f64,
    /// The server's processor time for a request, in microseconds.
    cpu: f64,
}

/// Measures every candidate in turn, round by round, and prints medians and ratios.
pub(crate) fn run(rounds: u32, seconds: u32) -> Outcome {
    let script = std::env::temp_dir().join(format!("feathers-bench-{}.lua", std::process::id()));
    let body = format!(r#"{{"text":"{}","user":"u1","ts":1}}"#, "x".repeat(80));
    std::fs::write(
        &script,
        format!("wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = '{body}'\n"),
    )?;
    let mut samples: BTreeMap<(&str, &str), Vec<Sample>> = BTreeMap::new();
    for round in 1..=rounds {
        for (work, path) in WORK {
            for candidate in CANDIDATES {
                eprint!("\rround {round} of {rounds}: {work} {candidate}          ");
                std::io::stderr().flush()?;
                // A new process each time, so that no candidate keeps what an earlier run has created.
                let server = Served::start(candidate)?;
                let script = (work == "create").then_some(script.as_path());
                measure(&server, path, script, 1)?;
                samples.entry((work, candidate)).or_default().push(measure(&server, path, script, seconds)?);
            }
        }
    }
    eprintln!("\r{:60}", "");
    std::fs::remove_file(&script)?;
    print(&samples)
}

fn measure(server: &Served, path: &str, script: Option<&std::path::Path>, seconds: u32) -> Outcome<Sample> {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", "1", "wrk", "-t1", "-c64", &format!("-d{seconds}s")]);
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let before = server.cpu()?;
    let output = wrk.arg(format!("{}{path}", server.url)).output()?;
    let cpu = server.cpu()? - before;
    let text = String::from_utf8(output.stdout)?;
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        return Err(format!("the run has failures:\n{text}").into());
    }
    let number = |after: &str| -> Outcome<f64> {
        let rest = text.split_once(after).ok_or_else(|| format!("no `{after}` in:\n{text}"))?.1;
        Ok(rest.split_whitespace().next().unwrap_or_default().parse()?)
    };
    let requests: f64 = text
        .lines()
        .find_map(|line| line.trim().split_once(" requests in ").map(|(count, _)| count.parse()))
        .ok_or("no number of requests")??;
    Ok(Sample { per_second: number("Requests/sec:")?, cpu: cpu * 1e6 / requests })
}

fn print(samples: &BTreeMap<(&str, &str), Vec<Sample>>) -> Outcome {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| work | candidate | requests/s: median (min-max) | of axum | CPU µs a request: median (min-max) | of axum |"
    )?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    for (work, _) in WORK {
        let of = |candidate: &'static str, pick: fn(&Sample) -> f64| {
            let mut values: Vec<f64> = samples.get(&(work, candidate)).into_iter().flatten().map(pick).collect();
            values.sort_by(f64::total_cmp);
            let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
            (at(values.len() / 2), at(0), at(values.len().saturating_sub(1)))
        };
        for candidate in CANDIDATES {
            let (rate, slowest, fastest) = of(candidate, |sample| sample.per_second);
            let (cpu, least, most) = of(candidate, |sample| sample.cpu);
            let rate_ratio = rate / of("axum", |sample| sample.per_second).0;
            let cpu_ratio = cpu / of("axum", |sample| sample.cpu).0;
            writeln!(
                out,
                "| {work} | {candidate} | {rate:.0} ({slowest:.0}-{fastest:.0}) | {rate_ratio:.2} | \
                 {cpu:.1} ({least:.1}-{most:.1}) | {cpu_ratio:.2} |"
            )?;
        }
    }
    Ok(())
}
