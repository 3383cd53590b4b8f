//! A report as tables in Markdown.

use std::fmt::{self, Display};

use crate::report::{Metric, Report, Row};

/// Prints a report.
#[derive(Debug)]
pub(crate) struct Table<'a>(pub(crate) &'a Report);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let reference = match report.reference {
            _ if report.has_pairs() => "of before".to_owned(),
            Some(peer) => format!("of {}", peer.name()),
            None => String::new(),
        };
        let mut heads = vec!["work".to_owned(), "peer".to_owned(), "rounds".to_owned()];
        for metric in &report.metrics {
            heads.push(metric.title.to_owned());
            heads.extend(metric.compared.then(|| reference.clone()));
        }
        head(f, &heads)?;
        for row in &report.rows {
            let mut cells = vec![row.work.clone(), row.peer.name(), rounds(row)];
            for metric in &report.metrics {
                cells.push(value(report, row, *metric));
                cells.extend(metric.compared.then(|| ratio(report, row, *metric)));
            }
            line(f, &cells)?;
        }
        if !report.verdicts.is_empty() {
            writeln!(f)?;
            head(f, &["work", "peer", "goal", "measured", "reached"].map(str::to_owned))?;
        }
        for verdict in &report.verdicts {
            let reached = if verdict.reached { "pass" } else { "short" };
            let measured = format!("{:.2}", verdict.measured);
            line(f, &[verdict.work.clone(), verdict.peer.name(), verdict.goal.clone(), measured, reached.to_owned()])?;
        }
        Ok(())
    }
}

/// Says how many rounds there were, and how many were disturbed by others.
fn rounds(row: &Row) -> String {
    match row.rounds() {
        (all, quiet) if all == quiet => all.to_string(),
        (all, quiet) => format!("{all}, {} not quiet", all - quiet),
    }
}

fn value(report: &Report, row: &Row, metric: Metric) -> String {
    let digits = metric.digits;
    match report.spread(&row.work, row.peer, metric) {
        Some(spread) if row.rounds().0 > 1 => {
            format!("{:.digits$} ({:.digits$}-{:.digits$})", spread.median, spread.min, spread.max)
        }
        Some(spread) => format!("{:.digits$}", spread.median),
        None => "-".to_owned(),
    }
}

fn ratio(report: &Report, row: &Row, metric: Metric) -> String {
    if let Some(pairs) = report.ratios(&row.work, row.peer, metric) {
        return format!("{:.2} ({:.2}-{:.2})", pairs.median, pairs.min, pairs.max);
    }
    let median = |peer| Some(report.spread(&row.work, peer, metric)?.median);
    match (median(row.peer), report.reference.and_then(median)) {
        (Some(own), Some(reference)) => format!("{:.2}", own / reference),
        _ => "-".to_owned(),
    }
}

fn head(f: &mut fmt::Formatter<'_>, cells: &[String]) -> fmt::Result {
    line(f, cells)?;
    line(f, &vec!["---".to_owned(); cells.len()])
}

fn line(f: &mut fmt::Formatter<'_>, cells: &[String]) -> fmt::Result {
    writeln!(f, "| {} |", cells.join(" | "))
}
