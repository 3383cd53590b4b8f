//! House rules that no compiler checks: the facade, floors, openings, sizes and words of files.

mod facade;
mod files;
mod floors;
mod folders;

use std::path::PathBuf;

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap().to_path_buf()
}

/// Fails with all findings at once.
pub(crate) fn report(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
