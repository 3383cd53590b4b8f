//! The facade: each public name of the core has one place in it.

use std::collections::BTreeMap;
use std::fs;

use super::{report, root};

/// What of the core's root is not in the facade, since the facade has it as a module, or in another crate.
const ELSEWHERE: [&str; 3] = ["duration", "hook", "query"];

/// The modules of the core that the facade shows whole.
const WHOLE: [&str; 2] = ["hook", "query"];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the re-exports of a file: the path, and the names taken from it.
fn exports(source: &str) -> Vec<(String, Vec<String>)> {
    let uses = source.split("\npub use ").skip(1);
    uses.map(|rest| {
        let rest: String = rest.split(';').next().unwrap_or_default().split_whitespace().collect();
        if let Some((path, names)) = rest.split_once("::{") {
            let names = names.trim_end_matches('}').split(',').filter(|name| !name.is_empty());
            (path.to_owned(), names.map(str::to_owned).collect())
        } else {
            let (path, name) = rest.rsplit_once("::").unwrap_or(("", &rest));
            (path.to_owned(), vec![name.to_owned()])
        }
    })
    .collect()
}

/// Returns where each name of the facade stands.
fn places() -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let files = fs::read_dir(root().join("feathers-core/src/facade")).unwrap().map(|file| file.unwrap().file_name());
    let modules: Vec<String> = files.map(|file| format!("facade/{}", file.into_string().unwrap())).collect();
    for file in modules.iter().map(String::as_str).chain(["facade.rs"]) {
        for (_, names) in exports(&read(&format!("feathers-core/src/{file}"))) {
            for name in names {
                places.entry(name).or_default().push(file.to_owned());
            }
        }
    }
    places
}

#[test]
fn each_public_name_of_the_core_has_one_place_in_the_facade() {
    let places = places();
    let mut findings = Vec::new();
    let mut seen = 0;
    for (path, names) in exports(&read("feathers-core/src/lib.rs")) {
        let whole = WHOLE.iter().any(|module| path.ends_with(&format!("::{module}")));
        for name in names.into_iter().filter(|name| !whole && !ELSEWHERE.contains(&name.as_str())) {
            seen += 1;
            match places.get(&name).map(Vec::as_slice) {
                Some([_]) => {}
                Some(many) => findings.push(format!("{name} stands more than once: {}", many.join(", "))),
                None => findings.push(format!(
                    "{name} is public in feathers-core and in no module of feathers-core/src/facade, so apps cannot \
                     name it"
                )),
            }
        }
    }
    assert!(seen > 80, "only {seen} names are found in feathers-core/src/lib.rs");
    report(&findings);
}

#[test]
fn the_crate_feathers_shows_the_whole_facade() {
    let core = read("feathers-core/src/facade.rs");
    let modules = core.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    // `store` is a module of the crate, which adds the stores of the databases.
    let modules = modules.filter(|module| *module != "store").map(str::to_owned);
    let mut expected: Vec<String> = exports(&core).into_iter().flat_map(|(_, names)| names).chain(modules).collect();
    let feathers = exports(&read("feathers/src/lib.rs"));
    let mut shown: Vec<String> =
        feathers.into_iter().filter(|(path, _)| path == "feathers_core::facade").flat_map(|(_, names)| names).collect();
    expected.sort();
    shown.sort();
    assert_eq!(shown, expected);
}
