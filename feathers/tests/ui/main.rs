//! The macro contract: every mistake is one message, at the smallest wrong token, with the way out.
//!
//! Each file is a program that the compiler reads alone, against the libraries with which this test itself is linked,
//! so that nothing is built a second time. `cargo xtask bless` rewrites the expected messages.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod compiler;
mod message;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, thread};

use self::compiler::Compiler;

/// Returns the files of a folder that end like this, by name and relative to the workspace.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new("feathers/tests/ui").join(folder);
    let entries = fs::read_dir(compiler::root().join(&folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    let mut files: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == ending));
    files.sort();
    files
}

/// Tries all cases, several at a time, and fails with all findings at once.
fn try_all(cases: Vec<PathBuf>, attempt: impl Fn(&Path) -> Result<(), String> + Sync) {
    assert!(!cases.is_empty());
    let (waiting, findings) = (Mutex::new(cases), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                loop {
                    let Some(case) = waiting.lock().unwrap().pop() else { return };
                    if let Err(finding) = attempt(&case) {
                        findings.lock().unwrap().push(format!("{}\n{finding}", case.display()));
                    }
                }
            });
        }
    });
    let mut findings = findings.into_inner().unwrap();
    findings.sort();
    assert!(findings.is_empty(), "{} cases\n\n{}", findings.len(), findings.join("\n\n"));
}

#[test]
fn messages_are_as_promised() {
    let compiler = Compiler::new();
    let bless = std::env::var_os("UI_BLESS").is_some();
    let folders = ["access", "derive", "field_type", "hook", "relation", "service"];
    let cases: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder, "rs")).collect();
    let expected: Vec<PathBuf> = folders.iter().flat_map(|folder| files(folder, "stderr")).collect();
    try_all(cases.clone(), |case| {
        let found = compiler.messages_of(case).ok_or("it compiles, and should not")?;
        let file = compiler::root().join(case.with_extension("stderr"));
        if bless {
            return fs::write(file, found).map_err(|error| error.to_string());
        }
        let expected = fs::read_to_string(file).unwrap_or_default();
        if found == expected { Ok(()) } else { Err(format!("expected:\n{expected}\nfound:\n{found}")) }
    });
    let of_no_case: Vec<_> = expected.iter().filter(|file| !cases.contains(&file.with_extension("rs"))).collect();
    assert!(of_no_case.is_empty(), "messages without a case: {of_no_case:?}");
}

#[test]
fn what_is_right_compiles_without_a_warning_and_runs() {
    let compiler = Compiler::new();
    try_all(files("pass", "rs"), |case| compiler.run(case));
}
