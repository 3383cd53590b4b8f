//! The public API of each crate as a listing in `docs/public-api`, so that a change of it is seen in review, and the
//! rule that each method by which apps come in has an example.
//!
//! Both are read from what rustdoc writes as JSON. That output is not stable: the crate that reads it belongs to the
//! compiler of `rust-toolchain.toml`, and changes its version together with it.

mod examples;
mod rustdoc;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::step::{Failure, Outcome, announced, root};
use crate::task::target;

pub(crate) use self::rustdoc::stand_in as rustdoc;

/// The crates whose API is listed, and the names of their libraries.
const LISTED: [(&str, &str); 7] = [
    ("feathers-auth", "feathers_auth"),
    ("feathers-config", "feathers_config"),
    ("feathers-core", "feathers_core"),
    ("feathers-rs", "feathers"),
    ("feathers-sql", "feathers_sql"),
    ("feathers-testing", "feathers_testing"),
    ("feathers-transports", "feathers_transports"),
];

/// What is done with the listings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// Fails where the code differs from them.
    Check,
    /// Writes them.
    Bless,
}

/// Compares the public API with its listings, or writes them, and looks for methods without an example.
pub(crate) fn api(goal: Goal) -> Outcome {
    rustdoc::write_json()?;
    announced("public API", || {
        let folder = target()?.join("doc");
        let mut differences = Vec::new();
        let mut missing = Vec::new();
        for (package, library) in LISTED {
            let json = folder.join(format!("{library}.json"));
            let path = root().join(listing(package));
            let current = list(&json)?;
            if goal == Goal::Bless {
                fs::write(&path, current).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            } else {
                let committed = fs::read_to_string(&path).unwrap_or_default();
                differences.extend(differing(&committed, &current).map(|line| format!("{package}: {line}")));
            }
            missing.extend(examples::missing(&json)?);
        }
        if !missing.is_empty() {
            let why = "methods without an example, of their own or in the docs of their type";
            return Err(Failure::new(format!("{why}:\n{}", missing.join("\n"))));
        }
        if differences.is_empty() {
            return Ok(());
        }
        let lines = differences.join("\n");
        Err(Failure::new(format!("the public API is not as listed; `cargo xtask api --bless` lists it:\n{lines}")))
    })
}

/// Returns where the listing of a crate is.
fn listing(package: &str) -> PathBuf {
    Path::new("docs/public-api").join(format!("{package}.txt"))
}

/// Lists the public items that rustdoc has found, one a line.
///
/// Left out is what follows from the rest: blanket impls, auto traits and derived impls.
fn list(json: &Path) -> Outcome<String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| Failure::new(format!("{}: {error}", json.display())))?;
    Ok(api.items().map(ToString::to_string).collect::<Vec<_>>().join("\n") + "\n")
}

/// Returns the lines that only one of two listings has.
fn differing<'a>(committed: &'a str, current: &'a str) -> impl Iterator<Item = String> {
    let [old, new] = [committed, current].map(|listing| listing.lines().collect::<BTreeSet<&'a str>>());
    let gone: Vec<String> = old.difference(&new).map(|line| format!("- {line}")).collect();
    let added: Vec<String> = new.difference(&old).map(|line| format!("+ {line}")).collect();
    gone.into_iter().chain(added)
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn what_is_gone_comes_before_what_is_new() {
        let lines: Vec<String> = differing("pub fn a\npub fn b\n", "pub fn b\npub fn c\n").collect();
        assert_eq!(lines, ["- pub fn a", "+ pub fn c"]);
        assert_eq!(differing("pub fn a\n", "pub fn a\n").count(), 0);
    }
}
