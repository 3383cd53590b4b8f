//! The guide tells the truth where its doctests cannot see it.

use std::fs;

use crate::tidy::{report, root};

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Returns the sources of the crates that users link.
fn sources() -> String {
    fn walk(folder: &std::path::Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    let mut text = String::new();
    for part in ["core", "transports", "sql", "auth"] {
        walk(&root().join(format!("feathers-{part}/src")), &mut text);
    }
    text
}

/// Returns the names of all metrics that the code has.
fn metrics(sources: &str) -> Vec<&str> {
    let recorded = sources
        .split("metrics::")
        .skip(1)
        .filter(|rest| ["counter!(", "gauge!(", "histogram!("].iter().any(|word| rest.starts_with(word)));
    let mut names: Vec<&str> = recorded.filter_map(|rest| rest.split('"').nth(1)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn every_metric_is_in_the_guide_and_no_other() {
    let (guide, sources) = (read("docs/guide/operations.md"), sources());
    let metrics = metrics(&sources);
    assert!(metrics.len() > 10, "the metrics are not found any more");
    let told: Vec<&str> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `feathers_"))
        .filter_map(|rest| rest.split('`').next())
        .collect();
    let known = |metric: &str| told.iter().any(|told| metric == format!("feathers_{told}"));
    let missing = metrics.iter().filter(|metric| !known(metric)).map(|metric| format!("{metric} is not in the guide"));
    let gone = told.iter().map(|told| format!("feathers_{told}")).filter(|told| !metrics.contains(&told.as_str()));
    report(&missing.chain(gone.map(|told| format!("{told} does not exist"))).collect::<Vec<_>>());
}

#[test]
fn the_guide_names_the_axum_of_the_workspace() {
    let workspace = read("Cargo.toml");
    let version = workspace.lines().find_map(|line| line.strip_prefix("axum = { version = \"")).unwrap();
    let [major, minor] = version.splitn(3, '.').take(2).collect::<Vec<_>>()[..] else { panic!("{version}") };
    let named = format!("axum = {{ version = \"{major}.{minor}\", default-features = false }}");
    assert!(read("docs/guide/operations.md").contains(&named), "the guide should say: {named}");
}

#[test]
fn the_guide_quotes_what_the_compiler_says() {
    let said = read("feathers/tests/ui/hook/capturing_closure.stderr");
    let words = said.lines().next().and_then(|line| line.strip_prefix("error: ")).unwrap();
    assert!(read("docs/guide/hooks.md").contains(words), "the guide should quote: {words}");
}
