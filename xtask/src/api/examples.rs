//! Each public method of the types by which apps come in has an example: one of its own, or one in the docs of its type
//! that calls it. That the examples run is what the tests of the docs say.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::step::{Failure, Outcome};

/// The types, by their names.
const ENTRIES: [&str; 12] = [
    "App",
    "AppHandle",
    "Authentication",
    "Channel",
    "Connection",
    "Context",
    "Crud",
    "Database",
    "Mount",
    "Realtime",
    "Server",
    "ServiceHandle",
];

/// Returns the methods without an example, as `Type::method`.
pub(super) fn missing(json: &Path) -> Outcome<Vec<String>> {
    let failed = |why: String| Failure::new(format!("{}: {why}", json.display()));
    let text = fs::read_to_string(json).map_err(|error| failed(error.to_string()))?;
    let docs: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
    Ok(missing_in(&docs["index"]))
}

fn missing_in(index: &Value) -> Vec<String> {
    let item = |id: &Value| &index[id.to_string()];
    let mut missing = Vec::new();
    for kind in index.as_object().into_iter().flat_map(|items| items.values()) {
        let Some(name) = kind["name"].as_str().filter(|name| ENTRIES.contains(name)) else { continue };
        let examples = examples(&kind["docs"]);
        for block in list(&kind["inner"]["struct"]["impls"]).map(item).filter(|block| is_inherent(block)) {
            let methods = list(&block["inner"]["impl"]["items"]).map(item).filter(|method| is_public_function(method));
            for method in methods {
                let own = method["name"].as_str().unwrap_or_default();
                if self::examples(&method["docs"]).is_empty() && !calls(&examples, own) {
                    missing.push(format!("{name}::{own}"));
                }
            }
        }
    }
    missing.sort();
    missing
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn is_inherent(block: &Value) -> bool {
    block["inner"]["impl"]["trait"].is_null()
}

fn is_public_function(item: &Value) -> bool {
    item["visibility"] == "public" && item["inner"]["function"].is_object()
}

/// Returns the code of all examples that are run, or at least compiled.
fn examples(docs: &Value) -> String {
    let blocks = docs.as_str().unwrap_or_default().split("```").skip(1).step_by(2);
    let run = blocks.filter(|block| {
        let words = block.lines().next().unwrap_or_default();
        words.is_empty() || words.split(',').any(|word| ["no_run", "should_panic", "rust"].contains(&word.trim()))
    });
    run.collect()
}

/// Tells whether code calls a method of this name.
fn calls(code: &str, name: &str) -> bool {
    [".", "::"].iter().any(|before| {
        let call = format!("{before}{name}");
        code.split(&call).skip(1).any(|rest| rest.starts_with(['(', ':']))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::missing_in;

    #[test]
    fn a_method_without_an_example_is_found() {
        let method = |name: &str, docs: &str| json!({ "name": name, "docs": docs, "visibility": "public", "inner": { "function": {} } });
        let index = json!({
            "0": { "name": "App", "docs": "An app.\n```\nApp::new().start();\n```\n", "inner": { "struct": { "impls": [1] } } },
            "1": { "inner": { "impl": { "trait": null, "items": [2, 3, 4, 5, 6] } } },
            "2": method("new", "Is called in the docs of the type."),
            "3": method("start_later", "Is not: `start` is."),
            "4": method("stop", "Has one.\n```no_run\napp.stop();\n```"),
            "5": method("draw", "Has a picture.\n```text\napp.draw();\n```"),
            "6": { "name": "own", "docs": "", "visibility": "crate", "inner": { "function": {} } },
        });
        assert_eq!(missing_in(&index), ["App::draw", "App::start_later"]);
    }
}
