//! What a release must hold, checked on every change: packages, licences, spelling, the oldest compiler, every feature
//! alone, and the public API.

use std::fs;

use crate::api;
use crate::step::{Failure, Outcome, announced, cargo, output, root, run, works};

/// The crates that are published, in the order in which they are.
const PUBLISHED: [&str; 8] = [
    "feathers-core",
    "feathers-testing",
    "feathers-macros",
    "feathers-transports",
    "feathers-auth",
    "feathers-config",
    "feathers-sql",
    "feathers-rs",
];

/// What a package may hold: files, and folders with a slash at the end.
const PACKED: [&str; 10] = [
    ".cargo_vcs_info.json",
    "Cargo.lock",
    "Cargo.toml",
    "Cargo.toml.orig",
    "LICENSE",
    "README.md",
    "assets/",
    "guide/",
    "src/",
    // The example of a transport, which is in the docs.
    "tests/it/own_transport/ndjson.rs",
];

/// Crates with features, and the features that are built alone; the empty one is none. All of them together are built
/// by the lints and the tests.
const FEATURES: [(&str, &[&str]); 5] = [
    ("feathers-auth", &["", "oauth"]),
    ("feathers-sql", &["", "sqlite"]),
    ("feathers-testing", &["", "socketio", "sse", "websocket"]),
    ("feathers-transports", &["", "grip", "socketio", "socketioxide", "tls"]),
    ("feathers-rs", &["", "macros", "rest", "socketio", "sqlite", "auth", "config", "grip", "oauth", "tls"]),
];

/// Checks all of it.
pub(crate) fn release() -> Outcome {
    announced("oldest compiler", oldest_compiler)?;
    announced("packages", packages)?;
    features()?;
    api::api(api::Goal::Check)?;
    spelling()?;
    dependencies()
}

/// The tests run with the oldest compiler that is promised.
fn oldest_compiler() -> Outcome {
    let value = |file: &str, name: &str| {
        let text = fs::read_to_string(root().join(file)).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        line.map(|value| value.trim().trim_matches('"').to_owned()).unwrap_or_default()
    };
    let (promised, tested) = (value("Cargo.toml", "rust-version"), value("rust-toolchain.toml", "channel"));
    if format!("{promised}.0") == tested {
        return Ok(());
    }
    Err(Failure::new(format!("Cargo.toml promises Rust {promised}, and rust-toolchain.toml tests with {tested}")))
}

/// Packages hold sources, and nothing that only the project needs.
fn packages() -> Outcome {
    for package in PUBLISHED {
        let list =
            output("packages", &mut cargo(&["package", "--quiet", "--list", "--allow-dirty", "--package", package]))?;
        let legal = |file: &str| {
            let one = |packed: &&str| if packed.ends_with('/') { file.starts_with(*packed) } else { file == *packed };
            PACKED.iter().any(one)
        };
        let strange: Vec<&str> = list.lines().filter(|file| !legal(file)).collect();
        if !strange.is_empty() {
            return Err(Failure::new(format!("the package of {package} holds {}", strange.join(", "))));
        }
        if !list.lines().any(|file| file == "LICENSE") {
            return Err(Failure::new(format!("the package of {package} has no licence")));
        }
    }
    Ok(())
}

/// Each feature builds without the others, and without a warning.
fn features() -> Outcome {
    for (package, features) in FEATURES {
        for feature in features {
            let title = format!("{package} with {}", if feature.is_empty() { "no feature" } else { feature });
            let alone = ["--no-default-features", "--features", feature, "--", "-D", "warnings"];
            run(&title, cargo(&["clippy", "--quiet", "--package", package]).args(alone))?;
        }
    }
    Ok(())
}

fn spelling() -> Outcome {
    if works("typos", &["--version"]) {
        return run("spelling", std::process::Command::new("typos").current_dir(root()));
    }
    println!("\nnot checked: spelling, since `typos` is not installed");
    Ok(())
}

fn dependencies() -> Outcome {
    if !works("cargo", &["deny", "--version"]) {
        println!("\nnot checked: licences and known weaknesses of dependencies, since `cargo deny` is not installed");
        return Ok(());
    }
    run("licences and sources", &mut cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]))?;
    if advisories_are_here() {
        return run("known weaknesses", &mut cargo(&["deny", "--offline", "check", "advisories"]));
    }
    println!("\nnot checked: known weaknesses of dependencies, since their list was never fetched");
    Ok(())
}

/// Whether the list of known weaknesses was fetched once. `cargo deny` makes its folder, with a lock in it, also where
/// nothing was: only a folder inside says that there is a list.
fn advisories_are_here() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(std::path::PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let lists = home.and_then(|home| home.join("advisory-dbs").read_dir().ok());
    lists.is_some_and(|mut lists| lists.any(|list| list.is_ok_and(|list| list.path().is_dir())))
}
