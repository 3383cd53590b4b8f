//! What a kind of measurement has found: the samples of all rounds, their medians, and whether the goals are met.

use serde::Serialize;

use crate::kind::Kind;
use crate::machine::Machine;
use crate::peer::Peer;
use crate::quiet::DISTURBED;
use crate::statistics::Spread;

/// How much more a server may cost than the same of the earlier build.
const MOST_OF_BEFORE: f64 = 1.05;

/// With so many quiet rounds the others do not count.
const ENOUGH: usize = 3;

/// One figure that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Metric {
    /// What it is, with its unit.
    pub(crate) title: &'static str,
    /// How many digits after the point are printed.
    #[serde(skip)]
    pub(crate) digits: usize,
    /// Whether the ratio to the reference is printed too.
    #[serde(skip)]
    pub(crate) compared: bool,
}

impl Metric {
    pub(crate) const fn new(title: &'static str, digits: usize) -> Self {
        Self { title, digits, compared: false }
    }

    /// Prints the ratio to the reference too.
    pub(crate) const fn compared(self) -> Self {
        Self { compared: true, ..self }
    }
}

/// A figure that must be reached.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) work: String,
    pub(crate) peer: Peer,
    pub(crate) metric: Metric,
    pub(crate) limit: Limit,
}

/// What must be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// A ratio to a peer that is measured in the same run.
    Of(f64, Peer),
    /// A ratio to the same server of an earlier build, in pairs.
    OfBefore(f64),
    AtMost(f64),
    AtLeast(f64),
}

/// What was measured once.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    #[serde(skip)]
    pub(crate) work: String,
    /// Cores that others have used meanwhile.
    pub(crate) foreign: f64,
    /// A value for each metric of the report; not a number where there is none.
    pub(crate) values: Vec<f64>,
}

/// All samples of one peer at one work.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) peer: Peer,
    samples: Vec<Sample>,
    /// The other halves of the pairs, where an earlier build is measured too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<Sample>,
}

/// Whether a goal is met.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) work: String,
    pub(crate) peer: Peer,
    pub(crate) goal: String,
    pub(crate) measured: f64,
    pub(crate) reached: bool,
}

/// Everything about one kind of measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    kind: Kind,
    machine: Machine,
    pub(crate) metrics: Vec<Metric>,
    #[serde(skip)]
    pub(crate) reference: Option<Peer>,
    pub(crate) rows: Vec<Row>,
    pub(crate) verdicts: Vec<Verdict>,
    failures: Vec<String>,
    #[serde(skip)]
    goals: Vec<Goal>,
    #[serde(skip)]
    ours_failed: bool,
}

impl Report {
    /// Starts a report; the peer that others are compared with is named where there is one.
    pub(crate) fn new(kind: Kind, metrics: &[Metric], reference: Option<Peer>, goals: Vec<Goal>) -> Self {
        Self {
            kind,
            machine: Machine::here(),
            metrics: metrics.to_vec(),
            reference,
            rows: Vec::new(),
            verdicts: Vec::new(),
            failures: Vec::new(),
            goals,
            ours_failed: false,
        }
    }

    pub(crate) fn kind(&self) -> String {
        self.kind.name()
    }

    pub(crate) fn add(&mut self, peer: Peer, sample: Sample) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.work == sample.work && row.peer == peer) {
            row.samples.push(sample);
            return;
        }
        // The order of the first round is the order of the table: by work, and in it by peer.
        let work = sample.work.clone();
        let after = self.rows.iter().rposition(|row| row.work == work).map_or(self.rows.len(), |at| at + 1);
        self.rows.insert(after, Row { work, peer, samples: vec![sample], before: Vec::new() });
    }

    /// Adds the other half of the pair that the last sample of this work and peer belongs to.
    pub(crate) fn add_before(&mut self, peer: Peer, sample: Sample) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.work == sample.work && row.peer == peer) {
            row.before.push(sample);
        }
    }

    /// Tells whether an earlier build was measured too.
    pub(crate) fn has_pairs(&self) -> bool {
        self.rows.iter().any(|row| !row.before.is_empty())
    }

    pub(crate) fn fail(&mut self, peer: Peer, failure: String) {
        self.ours_failed |= peer.is_ours();
        self.failures.push(failure);
    }

    /// Returns whether the framework itself could not be measured.
    pub(crate) fn ours_failed(&self) -> bool {
        self.ours_failed
    }

    /// Compares with the goals, when everything is measured.
    pub(crate) fn judge(&mut self) {
        if self.has_pairs() {
            for goal in &mut self.goals {
                goal.limit = Limit::OfBefore(MOST_OF_BEFORE);
            }
        }
        self.verdicts = self.goals.iter().filter_map(|goal| self.verdict(goal)).collect();
    }

    /// Returns the figures of a peer at a work.
    pub(crate) fn spread(&self, work: &str, peer: Peer, metric: Metric) -> Option<Spread> {
        let row = self.rows.iter().find(|row| row.work == work && row.peer == peer)?;
        let at = self.metrics.iter().position(|known| *known == metric)?;
        let counted = row.counted();
        Spread::of(
            counted
                .iter()
                .filter_map(|sample| sample.values.get(at).copied())
                .filter(|value| !value.is_nan())
                .collect(),
        )
    }

    /// Returns the ratios to the earlier build, pair by pair.
    pub(crate) fn ratios(&self, work: &str, peer: Peer, metric: Metric) -> Option<Spread> {
        let row = self.rows.iter().find(|row| row.work == work && row.peer == peer)?;
        let at = self.metrics.iter().position(|known| *known == metric)?;
        let ratio = |(now, before): &(&Sample, &Sample)| Some(now.values.get(at)? / before.values.get(at)?);
        Spread::of(row.pairs().iter().filter_map(ratio).filter(|ratio| ratio.is_finite()).collect())
    }

    /// Returns what a goal demands in the unit of its metric.
    pub(crate) fn limit(&self, work: &str, peer: Peer, metric: Metric) -> Option<f64> {
        let of = |goal: &&Goal| goal.work == work && goal.peer == peer && goal.metric == metric;
        match self.goals.iter().find(of)?.limit {
            Limit::Of(ratio, reference) => Some(ratio * self.spread(work, reference, metric)?.median),
            Limit::AtMost(limit) | Limit::AtLeast(limit) => Some(limit),
            Limit::OfBefore(_) => None,
        }
    }

    fn verdict(&self, goal: &Goal) -> Option<Verdict> {
        let Goal { work, peer, metric, limit } = goal;
        let median = self.spread(work, *peer, *metric)?.median;
        let title = metric.title;
        let (goal, measured, reached) = match *limit {
            Limit::Of(ratio, reference) => {
                let measured = median / self.spread(work, reference, *metric)?.median;
                (format!("{title}: at most {ratio} of {}", reference.name()), measured, measured <= ratio)
            }
            Limit::OfBefore(ratio) => {
                let measured = self.ratios(work, *peer, *metric)?.median;
                (format!("{title}: at most {ratio} of before"), measured, measured <= ratio)
            }
            Limit::AtMost(most) => (format!("{title}: at most {most}"), median, median <= most),
            Limit::AtLeast(least) => (format!("{title}: at least {least}"), median, median >= least),
        };
        Some(Verdict { work: work.clone(), peer: *peer, goal, measured, reached })
    }
}

impl Row {
    /// Returns how many rounds there were, and how many of them were quiet.
    pub(crate) fn rounds(&self) -> (usize, usize) {
        (self.samples.len(), self.samples.iter().filter(|sample| sample.foreign < DISTURBED).count())
    }

    /// Returns the pairs of which both halves were quiet, or all when too few were.
    fn pairs(&self) -> Vec<(&Sample, &Sample)> {
        let all = || self.samples.iter().zip(&self.before);
        let quiet = |(now, before): &(&Sample, &Sample)| now.foreign.max(before.foreign) < DISTURBED;
        if all().filter(quiet).count() < ENOUGH { all().collect() } else { all().filter(quiet).collect() }
    }

    /// Returns the quiet rounds, or all when too few were quiet.
    fn counted(&self) -> Vec<&Sample> {
        let (_, quiet) = self.rounds();
        self.samples.iter().filter(|sample| quiet < ENOUGH || sample.foreign < DISTURBED).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Metric = Metric::new("cost", 1);

    /// A report in which one peer and its reference have these costs, each with what others have used meanwhile.
    fn report(own: &[(f64, f64)], reference: &[(f64, f64)], limit: Limit) -> Report {
        let goal = Goal { work: "get".to_owned(), peer: Peer::Framework, metric: COST, limit };
        let mut report = Report::new(Kind::Rest, &[COST], Some(Peer::Axum), vec![goal]);
        for (peer, samples) in [(Peer::Framework, own), (Peer::Axum, reference)] {
            for (cost, foreign) in samples {
                report.add(peer, Sample { work: "get".to_owned(), foreign: *foreign, values: vec![*cost] });
            }
        }
        report.judge();
        report
    }

    #[test]
    fn rounds_that_were_not_quiet_count_only_when_there_are_too_few_others() {
        let median = |samples: &[(f64, f64)]| {
            report(samples, &[], Limit::AtMost(1.0)).spread("get", Peer::Framework, COST).unwrap().median
        };
        let equal = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert!(equal(median(&[(1.0, 0.0), (2.0, 0.1), (3.0, 0.2), (90.0, 1.0), (99.0, 1.0)]), 2.0));
        assert!(equal(median(&[(1.0, 0.0), (2.0, 0.1), (90.0, 1.0)]), 2.0));
        assert!(equal(median(&[(1.0, 0.0), (90.0, 1.0), (99.0, 1.0)]), 90.0));
    }

    #[test]
    fn a_goal_is_reached_at_its_limit_and_not_judged_without_its_reference() {
        let reached = |own, reference: &[(f64, f64)], limit| {
            report(&[(own, 0.0)], reference, limit).verdicts.first().map(|verdict| verdict.reached)
        };
        assert_eq!(reached(3.0, &[(2.0, 0.0)], Limit::Of(1.5, Peer::Axum)), Some(true));
        assert_eq!(reached(3.1, &[(2.0, 0.0)], Limit::Of(1.5, Peer::Axum)), Some(false));
        assert_eq!(reached(3.0, &[], Limit::Of(1.5, Peer::Axum)), None);
        assert_eq!(reached(3.0, &[], Limit::AtMost(3.0)), Some(true));
        assert_eq!(reached(2.9, &[], Limit::AtLeast(3.0)), Some(false));
    }

    #[test]
    fn an_earlier_build_is_compared_pair_by_pair() {
        let goal = Goal { work: "get".into(), peer: Peer::Framework, metric: COST, limit: Limit::AtMost(1.0) };
        let mut report = Report::new(Kind::Rest, &[COST.compared()], Some(Peer::Axum), vec![goal]);
        let sample = |cost| Sample { work: "get".to_owned(), foreign: 0.0, values: vec![cost] };
        for (now, before) in [(2.0, 1.0), (11.0, 10.0), (50.0, 50.0)] {
            report.add(Peer::Framework, sample(now));
            report.add_before(Peer::Framework, sample(before));
        }
        report.metrics = vec![COST];
        report.judge();
        let verdict = report.verdicts.first().unwrap();
        assert!((verdict.measured - 1.1).abs() < 1e-9, "the median of the ratios, not the ratio of the medians");
        assert!(!verdict.reached);
        report.metrics = vec![COST.compared()];
        let table = crate::table::Table(&report).to_string();
        assert!(table.contains("of before"), "{table}");
        assert!(table.contains("| get | framework | 3 | 11.0 (2.0-50.0) | 1.10 (1.00-2.00) |"), "{table}");
    }

    #[test]
    fn a_table_has_the_ratio_the_goal_and_what_was_disturbed() {
        let report = report(&[(3.0, 0.0), (3.0, 0.9)], &[(2.0, 0.0)], Limit::Of(1.15, Peer::Axum));
        let table = crate::table::Table(&report).to_string();
        assert!(table.contains("| get | framework | 2, 1 not quiet | 3.0 (3.0-3.0) |"), "{table}");
        assert!(table.contains("| get | framework | cost: at most 1.15 of axum | 1.50 | short |"), "{table}");
    }
}
