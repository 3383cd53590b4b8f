//! A list that stands twice, since a macro crate cannot read the core, is the same list.

use super::{report, root};

#[test]
fn the_macro_and_the_core_protect_the_same_names() {
    let lists = ["feathers-macros/src/service/check.rs", "feathers-core/src/call/app/registry.rs"].map(|path| {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let list = text.split_once("const PROTECTED: ").unwrap_or_else(|| panic!("{path} has no PROTECTED")).1;
        let names: Vec<String> =
            list.split_once("];").unwrap().0.lines().skip(1).map(|line| line.trim().into()).collect();
        assert!(names.len() > 1, "{path}: no names found");
        names
    });
    let [macros, core] = &lists;
    let findings = [(macros, core, "the macro"), (core, macros, "the core")].map(|(all, others, place)| {
        all.iter().filter(|name| !others.contains(name)).map(|name| format!("only {place} protects {name}")).collect()
    });
    report(&findings.map(|list: Vec<String>| list).concat());
}
