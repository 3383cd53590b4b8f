//! Files: how they open, how long they are, which words they may not hold.

use std::fs;
use std::path::Path;

use super::{report, root};

/// The most lines of one file.
const MAX_LINES: usize = 450;

/// Files that are longer, each with a reason.
const LONG: [(&str, &str); 7] = [
    ("feathers-core/tests/it/events.rs", "a list of cases, one for each rule"),
    ("feathers-core/tests/it/query_typed.rs", "a list of cases, one for each rule"),
    ("feathers-transports/tests/it/polling.rs", "a list of cases, one for each rule"),
    ("feathers-transports/tests/it/socketio.rs", "a list of cases, one for each rule"),
    ("feathers-transports/tests/it/socketio_resume.rs", "a list of cases, one for each rule"),
    ("feathers-transports/tests/it/sse.rs", "a list of cases, one for each rule"),
    ("feathers-transports/tests/it/websocket.rs", "a list of cases, one for each rule"),
];

/// Folders that hold nothing that is written by hand here.
const SKIPPED: [&str; 4] = [".git", "node_modules", "target", "screenshots"];

/// Folders whose files are input of other tests.
const DATA: [&str; 3] = ["/ui/", "/expand/", "/snapshots/"];

/// Texts that every newcomer looks for.
const TEXTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE"];

/// One text file: its path from the root, and what it says.
struct File {
    path: String,
    text: String,
}

impl File {
    fn is(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }

    fn is_data(&self) -> bool {
        DATA.iter().any(|folder| self.path.contains(folder))
    }
}

fn files() -> Vec<File> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<File>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            // `.git` is a file where several folders share one repository.
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if path.is_dir() {
                walk(&path, root, found);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.push(File { path, text });
            }
        }
    }

    let mut found = Vec::new();
    walk(&root(), &root(), &mut found);
    assert!(found.len() > 100, "the walk has missed the workspace");
    found
}

/// Words that must not be in any file, each with a reason. They are put together here, so that this file passes.
fn forbidden() -> Vec<(String, &'static str)> {
    let word = |parts: [&str; 2]| parts.concat();
    vec![
        (word(["/wo", "rk/"]), "a path of one machine"),
        (word(["/ro", "ot/"]), "a path of one machine"),
        (word(["/ho", "me/"]), "a path of one machine"),
        (word(["/t", "mp/"]), "a path of one machine: ask the system for a place"),
        (word(["TO", "DO:"]), "open ends belong into an issue"),
        (word(["TO", "DO("]), "open ends belong into an issue"),
        (word(["// TO", "DO"]), "open ends belong into an issue"),
        (word(["FIX", "ME"]), "open ends belong into an issue"),
        (word([" some", "body "]), "say who: the client, the user, the caller"),
        (word([" some", "one "]), "say who: the client, the user, the caller"),
        (word([" who", "ever "]), "say who: the client, the user, the caller"),
        (word([" an", "ew "]), "again"),
    ]
}

#[test]
fn every_source_file_says_what_it_is() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| !file.is_data()) {
        let opening = if file.is(&[".rs"]) {
            "//!"
        } else if file.is(&[".mjs"]) {
            "//"
        } else {
            continue;
        };
        if !file.text.starts_with(opening) {
            findings.push(format!("{}: opens without `{opening}`", file.path));
        }
    }
    report(&findings);
}

#[test]
fn no_source_file_is_long() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.is(&[".rs", ".mjs", ".css", ".html"])) {
        let lines = file.text.lines().count();
        let excused = LONG.iter().find(|(path, _)| *path == file.path);
        match excused {
            None if lines > MAX_LINES => {
                findings.push(format!("{}: {lines} lines, which second noun moved in?", file.path));
            }
            Some((_, reason)) if lines <= MAX_LINES || reason.is_empty() => {
                findings.push(format!("{}: is short again, or has no reason: take it off the list", file.path));
            }
            _ => {}
        }
    }
    report(&findings);
}

#[test]
fn no_file_holds_forbidden_words() {
    let words = forbidden();
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| !file.is(&["package-lock.json", "Cargo.lock", ".min.js"])) {
        for (number, line) in file.text.lines().enumerate() {
            for (word, why) in words.iter().filter(|(word, _)| line.contains(word)) {
                findings.push(format!("{}:{}: `{word}`: {why}", file.path, number + 1));
            }
        }
    }
    report(&findings);
}

#[test]
fn every_exception_from_a_lint_has_a_reason() {
    let mut findings = Vec::new();
    for file in files().iter().filter(|file| file.is(&[".rs"]) && !file.is_data()) {
        for (start, _) in file.text.match_indices("#[allow(").chain(file.text.match_indices("#![allow(")) {
            let attribute = &file.text[start..];
            let end = attribute.find(")]").unwrap_or(attribute.len());
            if !attribute[..end].contains("reason") && !file.path.ends_with("tidy/files.rs") {
                let line = file.text[..start].lines().count() + 1;
                findings.push(format!("{}:{line}: an allow without a reason", file.path));
            }
        }
    }
    report(&findings);
}

#[test]
fn the_texts_that_newcomers_look_for_are_there() {
    let missing: Vec<String> =
        TEXTS.iter().filter(|text| !root().join(text).is_file()).map(|text| format!("no {text}")).collect();
    report(&missing);
}
