//! Has rustdoc write the public items of all crates as JSON.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::step::{Failure, Outcome, cargo, run};

/// Is set in the environment of a process that stands in for rustdoc, and names the real one.
const REAL: &str = "FEATHERS_XTASK_RUSTDOC";

/// Writes the JSON of all libraries of the workspace into the folder of the docs.
///
/// The option is for unstable compilers, and `RUSTC_BOOTSTRAP` turns it on in this one. It must reach rustdoc only: many
/// build scripts ask for the variable, and each change of it would have half of the dependencies built again. So this
/// program stands in for rustdoc.
pub(super) fn write_json() -> Outcome {
    let own = env::current_exe().map_err(|error| Failure::new(format!("own path: {error}")))?;
    let own = present(own);
    let real = env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    let mut docs = cargo(&["doc", "--workspace", "--lib", "--no-deps", "--all-features"]);
    docs.env("RUSTDOC", own).env(REAL, real).env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    run("items of the public API", &mut docs)
}

/// Returns where this program is now: a build of the workspace may have put a new one in its place, which Linux says
/// behind the path.
fn present(own: PathBuf) -> PathBuf {
    match own.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        Some(path) => path.into(),
        None => own,
    }
}

/// Runs rustdoc if this process stands in for it.
pub(crate) fn stand_in() -> Option<ExitCode> {
    let real = env::var_os(REAL)?;
    let status = Command::new(real).args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    let succeeded = status.is_ok_and(|status| status.success());
    Some(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_built_again_is_where_it_was() {
        for path in ["/target/debug/xtask (deleted)", "/target/debug/xtask"] {
            assert_eq!(present(path.into()), PathBuf::from("/target/debug/xtask"));
        }
    }
}
