//! `benches/budget.json`: the instructions of one operation of each benchmark, and how far they may be off.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::step::{Failure, Outcome, root};

/// The budget of all benchmarks.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    /// From this many percent more on, the check fails.
    over_percent: f64,
    /// From this many percent less on, the check asks for a lower budget.
    under_percent: f64,
    instructions: BTreeMap<String, u64>,
}

impl Budget {
    pub(super) fn read() -> Outcome<Self> {
        let failed = |why: String| Failure::new(format!("{}: {why}", path().display()));
        let text = fs::read_to_string(path()).map_err(|error| failed(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
    }

    /// Takes counts over; a benchmark with this beginning that was not counted is removed.
    pub(super) fn set(&mut self, counts: BTreeMap<String, u64>, beginning: &str) {
        for (name, seen) in &counts {
            match self.instructions.get(name) {
                Some(old) if old == seen => {}
                Some(old) => println!("{name}: {seen}, was {old} ({:+.1} %)", percent(*seen, *old)),
                None => println!("{name}: {seen}, new"),
            }
        }
        self.instructions.retain(|name, _| !name.starts_with(beginning));
        self.instructions.extend(counts);
    }

    pub(super) fn write(&self) -> Outcome {
        let failed = |why: String| Failure::new(format!("{}: {why}", path().display()));
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.to_string()))?;
        fs::write(path(), text + "\n").map_err(|error| failed(error.to_string()))
    }

    /// Fails if something takes more than it may, has no budget, or has one and no longer exists.
    pub(super) fn check(&self, counts: &BTreeMap<String, u64>, beginning: &str) -> Outcome {
        println!("{:<22} {:>12} {:>12}", "instructions of", "budget", "seen");
        for (name, seen) in counts {
            match self.instructions.get(name) {
                Some(budget) => println!("{name:<22} {budget:>12} {seen:>12} {:>+7.1} %", percent(*seen, *budget)),
                None => println!("{name:<22} {:>12} {seen:>12}", "-"),
            }
        }
        let lower = self.too_high(counts);
        if !lower.is_empty() {
            println!("\nThe budget is too high; lower it with `cargo xtask budget --bless`:\n  {}", lower.join("\n  "));
        }
        let wrong = self.exceeded(counts, beginning);
        if wrong.is_empty() {
            return Ok(());
        }
        let (over, list) = (self.over_percent, wrong.join("\n  "));
        Err(Failure::new(format!(
            "over budget ({over} % are allowed):\n  {list}\nSee where they go with `cargo xtask budget --profile NAME`. \
             If they are worth it, set the budget with `cargo xtask budget --bless`, and say why in the commit."
        )))
    }

    /// Says what a check fails for.
    fn exceeded(&self, counts: &BTreeMap<String, u64>, beginning: &str) -> Vec<String> {
        let dear = counts.iter().filter_map(|(name, seen)| {
            let Some(budget) = self.instructions.get(name) else {
                return Some(format!("{name} has no budget, seen are {seen} instructions"));
            };
            let off = percent(*seen, *budget);
            let dear = off > self.over_percent;
            dear.then(|| format!("{name}: the budget is {budget} instructions, seen are {seen}, {off:.1} % more"))
        });
        let gone = self.instructions.keys().filter(|name| name.starts_with(beginning) && !counts.contains_key(*name));
        dear.chain(gone.map(|name| format!("{name} has a budget and is no benchmark"))).collect()
    }

    /// Says what takes much less than it may.
    fn too_high(&self, counts: &BTreeMap<String, u64>) -> Vec<String> {
        let cheap = counts.iter().filter_map(|(name, seen)| {
            let off = percent(*seen, *self.instructions.get(name)?);
            (off < -self.under_percent).then(|| format!("{name}: {:.1} % less", -off))
        });
        cheap.collect()
    }
}

fn path() -> PathBuf {
    root().join("benches/budget.json")
}

/// Returns how much more than the budget it is.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn percent(seen: u64, budget: u64) -> f64 {
    (seen as f64 - budget as f64) / budget.max(1) as f64 * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
        counts.map(|(name, count)| (name.to_owned(), count)).into()
    }

    #[test]
    fn what_is_over_has_no_budget_or_is_gone_is_named() {
        let instructions = counts([("call/get", 1_000), ("call/find", 1_000), ("rest/get", 1_000)]);
        let budget = Budget { over_percent: 3.0, under_percent: 10.0, instructions };
        let check = |seen, beginning, wrong: &[&str], lower: &[&str]| {
            assert_eq!(budget.exceeded(&seen, beginning), wrong);
            assert_eq!(budget.too_high(&seen), lower);
        };
        check(counts([("call/get", 1_030), ("call/find", 900), ("rest/get", 1_000)]), "", &[], &[]);
        check(
            counts([("call/get", 1_031), ("call/find", 899)]),
            "call",
            &["call/get: the budget is 1000 instructions, seen are 1031, 3.1 % more"],
            &["call/find: 10.1 % less"],
        );
        check(
            counts([("call/get", 1_000), ("call/new", 5)]),
            "call",
            &["call/new has no budget, seen are 5 instructions", "call/find has a budget and is no benchmark"],
            &[],
        );
    }

    #[test]
    fn blessing_a_part_keeps_the_rest() {
        let instructions = counts([("call/get", 1), ("call/gone", 2), ("rest/get", 3)]);
        let mut budget = Budget { over_percent: 3.0, under_percent: 10.0, instructions };
        budget.set(counts([("call/get", 10), ("call/new", 20)]), "call");
        assert_eq!(budget.instructions, counts([("call/get", 10), ("call/new", 20), ("rest/get", 3)]));
    }
}
