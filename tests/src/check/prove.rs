//! The proof that the checker sees: every sabotage must be found, and without one nothing is.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use super::options::Options;
use super::run::run;
use super::sabotage::Sabotage;

/// How long each run lasts.
const TIME: Duration = Duration::from_secs(3);

/// Runs the checker once for each sabotage and once without. The error says what it has not seen.
pub async fn prove(options: &Options) -> io::Result<Result<String, String>> {
    let mut lines = String::new();
    let mut blind = false;
    // Behind a proxy it is the way to the proxy that can lose something unnoticed.
    let ways = if options.pushpin { &[Sabotage::Drop][..] } else { &Sabotage::ALL };
    for sabotage in std::iter::once(None).chain(ways.iter().copied().map(Some)) {
        let report = run(Options { sabotage, time: TIME, readers: 14, ..options.clone() }).await?;
        let name = sabotage.map_or_else(|| "none".to_owned(), |way| way.to_string());
        blind |= report.is_good() != sabotage.is_none();
        let finding = report.first_finding().unwrap_or("nothing found");
        let _ = writeln!(lines, "sabotage {name:<12}  {finding}");
    }
    Ok(if blind { Err(lines) } else { Ok(lines) })
}
