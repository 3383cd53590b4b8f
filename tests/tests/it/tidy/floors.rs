//! Floors: an arrow between crates only points down.

use std::process::Command;

use serde_json::Value;

use super::{report, root};

/// The floor of each crate; what is not listed is a user of the framework, on the top floor.
const FLOORS: [(&str, u8); 8] = [
    ("feathers-macros", 0),
    ("feathers-core", 1),
    ("feathers-auth", 2),
    ("feathers-config", 2),
    ("feathers-transports", 2),
    ("feathers-sql", 2),
    ("feathers-rs", 3),
    // For tests only: of those below, none may have it in what users build.
    ("feathers-testing", 3),
];

const TOP: u8 = 4;

fn floor(package: &str) -> u8 {
    FLOORS.iter().find(|(name, _)| *name == package).map_or(TOP, |(_, floor)| *floor)
}

#[test]
fn an_arrow_only_points_down() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    for (listed, _) in FLOORS {
        assert!(names.contains(&listed), "{listed} is listed here, but is no crate of the workspace");
    }

    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let target = dependency["name"].as_str().unwrap();
            // What only tests use is no arrow of the house.
            if !names.contains(&target) || dependency["kind"] == "dev" {
                continue;
            }
            if floor(target) >= floor(name) {
                let (from, to) = (floor(name), floor(target));
                findings.push(format!("{name} (floor {from}) must not depend on {target} (floor {to})"));
            }
        }
    }
    report(&findings);
}
