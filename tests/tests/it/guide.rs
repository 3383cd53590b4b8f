//! The guide tells the truth where its doctests cannot see it.

use std::fs;

use feathers::metrics::ALL;

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

#[test]
fn the_guide_lists_all_metrics_as_the_code_describes_them() {
    let guide = read("docs/guide/operations.md");
    let listed: Vec<&str> = guide.lines().filter(|line| line.starts_with("| `feathers_")).collect();
    let expected: Vec<String> = ALL.iter().map(|metric| format!("| `{}` | {} |", metric.name, metric.help)).collect();
    assert_eq!(listed, expected);
}

#[test]
fn metrics_are_recorded_by_the_names_of_the_catalogue() {
    let sources = sources();
    let recorded = sources.split("metrics::").skip(1).filter_map(|rest| {
        let (kind, arguments) = rest.split_once("!(")?;
        ["counter", "gauge", "histogram"].contains(&kind).then(|| arguments.trim_start())
    });
    let recorded: Vec<&str> = recorded.collect();
    assert!(recorded.len() > 20, "the metrics are not found any more");
    let by_hand: Vec<String> = recorded
        .iter()
        .filter(|arguments| arguments.starts_with('"'))
        .map(|arguments| format!("{} is not in `feathers-core/src/metrics.rs`", arguments.lines().next().unwrap()))
        .collect();
    report(&by_hand);
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
