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

#[test]
fn the_release_page_lists_the_crates_that_the_public_api_shows() {
    // What a crate is called where it is used, and how where it is made.
    let alias = |name: &str| match name {
        "axum_core" => "axum".to_owned(),
        "serde_core" => "serde".to_owned(),
        "rust_decimal" | "serde_json" => name.to_owned(),
        name => name.replace('_', "-"),
    };
    let own =
        ["alloc", "core", "std", "bool", "str", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
    let mut shown = std::collections::BTreeSet::new();
    for file in fs::read_dir(root().join("docs/public-api")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        // The first name of each path: what stands before a `::` and behind neither a `::` nor a name.
        let is_name = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_';
        for (end, _) in text.match_indices("::") {
            let before = text[..end].trim_end_matches(is_name);
            let name = &text[before.len()..end];
            let first = !before.ends_with([':', '>']) && !before.ends_with(|char: char| char.is_ascii_alphanumeric());
            if first && !name.is_empty() && !name.starts_with("feathers") && !own.contains(&name) {
                shown.insert(alias(name));
            }
        }
    }
    assert!(shown.contains("http"), "{shown:?}");
    let page = read("docs/releasing.md");
    let table = page.split_once("## Crates that are part of the public API").unwrap().1.split_once("\n## ").unwrap().0;
    let missing: Vec<String> = shown
        .iter()
        .filter(|name| !table.contains(&format!("`{name}` ")))
        .map(|name| format!("docs/public-api shows types of {name}, which docs/releasing.md does not list"))
        .collect();
    report(&missing);
}
