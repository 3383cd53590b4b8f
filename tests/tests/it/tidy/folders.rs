//! Floors inside a crate: a folder only uses those below it, and the circles between the files of one may only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::{report, root};

/// The folders of a crate from the ground up; what is not listed may use everything.
const FOLDERS: [(&str, &[&str]); 2] = [
    ("feathers-core/src", &["data", "event", "store", "call", "crud", "hooks", "presence"]),
    (
        "feathers-transports/src",
        &["kit", "websocket", "socketio", "realtime", "grip", "rest", "socketioxide", "server"],
    ),
];

/// The circles that there are, by crate and folder. A file and the folder of its name are one.
const CIRCLES: [&str; 3] = [
    "feathers-core/src/call: app authenticator context hook publish service session",
    "feathers-core/src/data: data_type field guard mask normal_form payload query record related schema type_schema types",
    "feathers-core/src/event: channel connection log membership subscription visibility",
];

/// The uses of one folder: which file uses which others.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// A source file, by its path in the crate.
struct Source {
    path: Vec<String>,
    code: String,
}

/// Returns all sources without comments and tests.
fn sources(krate: &Path) -> Vec<Source> {
    fn walk(folder: &Path, path: &[String], found: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path: Vec<String> = path.iter().cloned().chain([name.trim_end_matches(".rs").to_owned()]).collect();
            if entry.path().is_dir() {
                walk(&entry.path(), &path, found);
            } else if entry.path().extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
                let text = fs::read_to_string(entry.path()).unwrap();
                let text = text.split("\nmod tests {").next().unwrap_or_default();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>();
                found.push(Source { path, code: code.join("\n") });
            }
        }
    }

    let mut found = Vec::new();
    walk(krate, &[], &mut found);
    found
}

/// Returns the first two names behind each `crate::`.
fn paths(code: &str) -> impl Iterator<Item = (&str, &str)> {
    let name = |text: &str| text.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(text.len());
    code.split("crate::").skip(1).map(move |rest| {
        let (first, rest) = rest.split_at(name(rest));
        let rest = rest.strip_prefix("::").unwrap_or_default();
        (first, &rest[..name(rest)])
    })
}

/// Returns the sets of files that use each other, however indirectly.
fn circles(uses: &Uses) -> BTreeSet<Vec<String>> {
    let reach = |from: &String| {
        let (mut reached, mut waiting) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(next) = waiting.pop() {
            for used in uses.get(&next).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    waiting.push(used.clone());
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = uses.keys().map(|file| (file, reach(file))).collect();
    let circle = |file: &String| -> Vec<String> {
        let there_and_back = |other: &&String| reached[file].contains(*other) && reached[*other].contains(file);
        uses.keys().filter(there_and_back).cloned().collect()
    };
    uses.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn a_folder_only_uses_those_below_it() {
    let mut findings = Vec::new();
    for (krate, folders) in FOLDERS {
        let floor = |name: &str| folders.iter().position(|folder| *folder == name);
        for source in sources(&root().join(krate)) {
            let Some(own) = floor(&source.path[0]) else { continue };
            let upwards = paths(&source.code).filter(|(folder, _)| floor(folder).is_some_and(|used| used > own));
            for (folder, name) in upwards {
                findings.push(format!("{krate}/{}.rs must not use crate::{folder}::{name}", source.path.join("/")));
            }
        }
    }
    report(&findings);
}

/// What only a driver of `feathers-sql` may name: libraries of one database, what writes its SQL, and other drivers.
const OF_DRIVERS: [&str; 4] = ["rusqlite", "libsqlite3", "SqliteQueryBuilder", "driver::sqlite"];
/// The modules of `feathers-sql` that use drivers, and that no driver uses.
const OVER_DRIVERS: [&str; 2] = ["database", "store"];

#[test]
fn only_drivers_know_a_database() {
    let mut findings = Vec::new();
    for source in sources(&root().join("feathers-sql/src")) {
        let name = format!("feathers-sql/src/{}.rs", source.path.join("/"));
        if source.path[0] == "driver" {
            let upwards = paths(&source.code).filter(|(module, _)| OVER_DRIVERS.contains(module));
            findings.extend(upwards.map(|(module, _)| format!("{name} must not use crate::{module}")));
        } else {
            let known = OF_DRIVERS.iter().filter(|word| source.code.contains(*word));
            findings.extend(known.map(|word| format!("{name} must not know {word}: that is a driver's")));
        }
    }
    report(&findings);
}

#[test]
fn circles_between_files_only_shrink() {
    let mut found = BTreeSet::new();
    for (krate, folders) in FOLDERS {
        let mut uses: BTreeMap<String, Uses> = BTreeMap::new();
        for source in sources(&root().join(krate)) {
            let [folder, file, ..] = &source.path[..] else { continue };
            if folders.contains(&folder.as_str()) {
                let beside = paths(&source.code).filter(|(other, name)| other == folder && name != file);
                let all = uses.entry(folder.clone()).or_default();
                all.entry(file.clone()).or_default().extend(beside.map(|(_, name)| name.to_owned()));
            }
        }
        for (folder, uses) in uses {
            found.extend(circles(&uses).iter().map(|circle| format!("{krate}/{folder}: {}", circle.join(" "))));
        }
    }
    let known: BTreeSet<String> = CIRCLES.iter().map(|&circle| circle.to_owned()).collect();
    let new = found.difference(&known).map(|circle| format!("a new circle, or one that has changed: {circle}"));
    let gone = known.difference(&found).map(|circle| format!("no longer there, take it from the list: {circle}"));
    report(&new.chain(gone).collect::<Vec<_>>());
}

#[test]
fn a_circle_is_found() {
    let uses = |of: &[(&str, &[&str])]| -> Uses {
        of.iter().map(|(file, used)| ((*file).to_owned(), used.iter().map(|&used| used.to_owned()).collect())).collect()
    };
    let found = circles(&uses(&[("a", &["b"]), ("b", &["c"]), ("c", &["a", "d"]), ("d", &[])]));
    assert_eq!(found, [["a", "b", "c"].map(str::to_owned).to_vec()].into());
    let code = "use crate::data::query::Query; fn a(_: $crate::call::App) {}";
    assert_eq!(paths(code).collect::<Vec<_>>(), [("data", "query"), ("call", "App")]);
}
