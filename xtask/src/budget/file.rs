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

    /// Takes counts over; a benchmark with this beginning that was not counted is no more.
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

    /// Fails if something takes more than it may, has no budget, or has one and is no more.
    pub(super) fn check(&self, counts: &BTreeMap<String, u64>, beginning: &str) -> Outcome {
        let (mut wrong, mut lower) = (Vec::new(), Vec::new());
        println!("{:<22} {:>12} {:>12}", "instructions of", "budget", "seen");
        for (name, seen) in counts {
            let Some(budget) = self.instructions.get(name) else {
                wrong.push(format!("{name} has no budget; seen {seen}"));
                continue;
            };
            let off = percent(*seen, *budget);
            println!("{name:<22} {budget:>12} {seen:>12} {off:>+7.1} %");
            if off > self.over_percent {
                wrong.push(format!("{name}: the budget is {budget} instructions, seen are {seen}, {off:.1} % more"));
            } else if off < -self.under_percent {
                lower.push(format!("{name}: {:.1} % less", -off));
            }
        }
        let gone = self.instructions.keys().filter(|name| name.starts_with(beginning) && !counts.contains_key(*name));
        wrong.extend(gone.map(|name| format!("{name} has a budget and is no benchmark")));
        if !lower.is_empty() {
            println!("\nThe budget is too high; lower it with `cargo xtask budget --bless`:\n  {}", lower.join("\n  "));
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let (over, list) = (self.over_percent, wrong.join("\n  "));
        Err(Failure::new(format!(
            "over budget ({over} % are allowed):\n  {list}\nSee where they go with `cargo xtask budget --profile NAME`. \
             If they are worth it, set the budget with `cargo xtask budget --bless`, and say why in the commit."
        )))
    }
}

fn path() -> PathBuf {
    root().join("benches/budget.json")
}

/// Returns how much more than the budget it is.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn percent(seen: u64, budget: u64) -> f64 {
    (seen as f64 / budget.max(1) as f64 - 1.0) * 100.0
}
