//! One reader against the log: no gap, nothing twice, everything in order, and every reset true.

use super::log::Log;
use super::{Evidence, History, Violation, show};
use crate::check::history::{Records, Spot, Step, Way};

/// How many changes are on their way at the same time, at most: their slots count as kept though no reader sees them
/// yet.
const UNDER_WAY: u64 = 64;

/// Follows a reader; returns the first violation, since later steps depend on it.
pub(super) fn follow(reader: &History, log: &Log, evidence: &Evidence) -> Option<Violation> {
    let mut follower = Follower { reader, log, evidence, at: None, opened: false, records: Records::new() };
    for (index, (_, step)) in reader.steps.iter().enumerate() {
        if let Err(why) = follower.step(step) {
            let what = format!("{}: {why}", reader.name());
            return Some(Violation { what, history: show(&reader.steps, index) });
        }
    }
    let why = follower.end().err()?;
    let what = format!("{}: {why}", reader.name());
    Some(Violation { what, history: show(&reader.steps, reader.steps.len().saturating_sub(1)) })
}

struct Follower<'a> {
    reader: &'a History,
    log: &'a Log,
    evidence: &'a Evidence,
    /// Where the reader stands, if it knows.
    at: Option<Spot>,
    /// Nothing has come since it has connected.
    opened: bool,
    /// What the reader holds for the records.
    records: Records,
}

impl Follower<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Opens { .. } => self.opened = true,
            Step::Cut { .. } => {}
            Step::Reads { records } => self.records.clone_from(records),
            Step::Event { at, change } => {
                if change.path != "items" {
                    return Err(format!("'{change}' is for no client"));
                }
                if self.at.as_ref().is_some_and(|was| was.epoch == at.epoch && at.seq <= was.seq) {
                    return Err(format!("{at} comes twice or too late"));
                }
                self.goes_to(at, at.seq)?;
                if change.name == "removed" {
                    self.records.remove(&change.id);
                } else {
                    self.records.insert(change.id.clone(), change.mark.clone());
                }
                self.opened = false;
            }
            Step::Stands { at } => {
                if self.at.as_ref().is_some_and(|was| was.epoch == at.epoch && at.seq < was.seq) {
                    return Err(format!("its place goes back to {at}"));
                }
                self.goes_to(at, at.seq + 1)?;
                self.opened = false;
            }
            Step::Reset { reason, at, oldest } => {
                self.is_true(reason, at, oldest.as_ref())?;
                self.at = Some(at.clone());
                self.opened = false;
            }
        }
        Ok(())
    }

    /// Moves to a slot; the log may have no event in between.
    fn goes_to(&mut self, to: &Spot, before: u64) -> Result<(), String> {
        if let Some(was) = &self.at {
            if was.epoch != to.epoch {
                return Err(format!("it goes from {was} to {to} without a reset"));
            }
            let missed: Vec<_> = self.log.between(was, before).collect();
            if let Some((seq, change)) = missed.first() {
                let count = missed.len();
                return Err(format!("gap: {count} missed between {was} and {to}, the first is {seq} '{change}'"));
            }
        }
        self.at = Some(to.clone());
        Ok(())
    }

    fn is_true(&self, reason: &str, to: &Spot, oldest: Option<&Spot>) -> Result<(), String> {
        let other_log = self.at.as_ref().is_some_and(|was| was.epoch != to.epoch);
        let missed = to.seq - self.at.as_ref().map_or(0, |was| was.seq).min(to.seq);
        let too_much = missed + UNDER_WAY >= self.evidence.retain as u64;
        let gone = |oldest: &Spot| self.at.as_ref().is_none_or(|was| was.seq < oldest.seq);
        let polls = matches!(self.reader.way, Way::LongPoll | Way::ShortPoll);
        let truth = match reason {
            "epoch" => other_log,
            "trimmed" => !other_log && too_much && oldest.is_some_and(gone) && (self.opened || polls),
            "lagged" => !other_log && too_much && oldest.is_some_and(gone),
            _ => false,
        };
        if truth {
            return Ok(());
        }
        let was = self.at.as_ref().map_or_else(|| "nowhere".to_owned(), ToString::to_string);
        Err(format!("the reset '{reason}' from {was} to {to} with oldest {oldest:?} is not true"))
    }

    fn end(&self) -> Result<(), String> {
        if self.reader.steady {
            return Ok(());
        }
        let head = &self.evidence.head;
        let there = self.at.as_ref().is_some_and(|at| at.epoch == head.epoch && at.seq >= head.seq);
        if !there {
            return Err(format!("it stands at {:?} and never came to {head}", self.at));
        }
        let own = &self.records;
        let truth = &self.evidence.records;
        let differs = |(id, mark): &(&String, &String)| own.get(*id) != Some(*mark);
        if let Some((id, mark)) = truth.iter().find(differs) {
            return Err(format!("it holds {:?} for {id}, which is {mark}", own.get(id)));
        }
        match own.keys().find(|id| !truth.contains_key(*id)) {
            Some(id) => Err(format!("it holds {id}, which is gone")),
            None => Ok(()),
        }
    }
}
