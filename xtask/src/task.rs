//! The chores: what is cheap comes first, so that a mistake shows soon.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::install;
use crate::slowest;
use crate::step::{Failure, Outcome, cargo, output, root, run, works};

/// How much is tested.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// What a change should wait for.
    Short,
    /// Everything, also what is marked as slow.
    Long,
}

/// Checks format, lints and docs.
pub(crate) fn check() -> Outcome {
    run("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    run("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]))?;
    let mut docs = cargo(&["doc", "--workspace", "--no-deps", "--all-features", "--document-private-items"]);
    run("docs", docs.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Runs all tests.
pub(crate) fn test(length: Length) -> Outcome {
    slowest::listed(|| {
        test_rust(length)?;
        test_faults(length)?;
        test_js(None, length)
    })
}

/// Builds the programs of the workspace, once for all tests that start them, and returns where they are.
fn programs() -> Outcome<PathBuf> {
    run("build of the programs", &mut cargo(&["build", "--workspace", "--bins"]))?;
    Ok(target()?.join("debug"))
}

/// Runs the checker: first what it must find, then runs with faults in which there must be nothing to find, one of them
/// behind a real Pushpin.
///
/// The seed is another one each time; it is printed, for running the same again.
pub(crate) fn test_faults(length: Length) -> Outcome {
    let program = programs()?.join("check");
    let check = || {
        let mut check = Command::new(&program);
        check.current_dir(root());
        check
    };
    run("the checker sees", check().arg("--prove"))?;
    let seconds = if length == Length::Long { "60" } else { "10" };
    run("nothing missed under faults", check().args(["--seconds", seconds]))?;
    let pushpin = install::pushpin()?;
    run("the checker sees behind a proxy", check().args(["--pushpin", "--prove"]).env("PUSHPIN", &pushpin))?;
    let mut proxied = check();
    proxied.args(["--pushpin", "--seconds", seconds]).env("PUSHPIN", &pushpin);
    run("nothing missed behind a proxy under faults", &mut proxied)
}

/// Runs good clients beside hostile ones. The short form is one of the Rust tests as well.
pub(crate) fn test_storm(length: Length) -> Outcome {
    let storm = ["run", "--quiet", "--package", "feathers-tests", "--bin", "storm"];
    let mut command = cargo(&storm);
    match length {
        Length::Short => command.args(["--", "--clients", "400", "--addresses", "40", "--seconds", "6"]),
        Length::Long => command.args(["--release", "--", "--pin", "--strict"]),
    };
    run("good clients in a storm", &mut command)
}

/// Runs the Rust tests, with nextest if it is installed, and the examples in the docs.
pub(crate) fn test_rust(length: Length) -> Outcome {
    // The tests of the lifecycle start the programs, which cargo builds for the tests of their own crate only.
    programs()?;
    let nextest = works("cargo", &["nextest", "--version"]);
    let mut arguments = if nextest {
        vec!["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]
    } else {
        vec!["test", "--workspace", "--all-features", "--all-targets", "--no-fail-fast"]
    };
    if length == Length::Long {
        arguments.extend(if nextest { ["--run-ignored", "all"].as_slice() } else { &["--", "--include-ignored"] });
    }
    run("Rust tests", &mut cargo(&arguments))?;
    run("examples in docs", &mut cargo(&["test", "--workspace", "--all-features", "--doc", "--quiet"]))
}

/// Runs the tests under Node: the client's own, then the official clients and a real browser, each against servers of
/// its own.
pub(crate) fn test_js(name: Option<&str>, length: Length) -> Outcome {
    let client = root().join("client");
    install::npm(&client)?;
    // Pages and tests use what is built here.
    let script = if name.is_none() { "test" } else { "build" };
    run("client", Command::new("npm").args(["run", "--silent", script]).current_dir(client))?;

    let folder = root().join("tests/js");
    install::npm(&folder)?;
    let browser = install::browser()?;
    let nginx = install::nginx()?;
    let pushpin = install::pushpin()?;
    let programs = programs()?;
    let mut mocha = Command::new("node");
    mocha.arg("node_modules/mocha/bin/mocha.js").current_dir(&folder);
    mocha.args(["--spec", &format!("test/{}*.test.mjs", name.unwrap_or_default())]);
    // Most tests wait for browsers and proxies; each file has servers of its own.
    mocha.args(["--parallel", "--jobs", "2"]).env("TIMES", slowest::node()?);
    for name in ["peer", "todo", "ticker", "chat", "helpdesk"] {
        mocha.env(format!("{}_BIN", name.to_uppercase()), programs.join(name));
    }
    mocha.env("CHROMIUM", browser).env("NGINX", nginx).env("PUSHPIN", pushpin);
    if length == Length::Long {
        mocha.env("LONG", "1");
    }
    run("tests under Node", &mut mocha)
}

/// Accepts what the macros print and expand to now, and the snapshot of parity.
pub(crate) fn bless() -> Outcome {
    let mut messages = cargo(&["test", "--workspace", "--all-features", "--test", "ui"]);
    run("messages", messages.env("UI_BLESS", "1"))?;
    let mut expansions = cargo(&["test", "--package", "feathers-macros", "--all-features"]);
    run("expansions", expansions.env("INSTA_UPDATE", "always"))?;
    let mut parity = cargo(&["test", "--workspace", "--all-features", "--test", "it", "--", "parity"]);
    run("parity", parity.env("INSTA_UPDATE", "always"))
}

/// Returns where cargo puts what it builds.
pub(crate) fn target() -> Outcome<PathBuf> {
    let metadata = output("cargo metadata", &mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str::<Value>(&metadata)
        .ok()
        .and_then(|metadata| Some(PathBuf::from(metadata.get("target_directory")?.as_str()?)))
        .ok_or_else(|| Failure::new("cargo metadata names no target directory"))
}
