//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::kind::Kind;
use crate::peer::Peer;
use crate::server::Server;

/// Measures the framework beside its peers, in interleaved rounds with a fresh server each.
///
/// Servers run on one core, the load on another. Only ratios inside one run mean anything.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// What is measured
    #[arg(default_value = "all", hide_default_value = true)]
    pub(crate) kinds: Vec<Kind>,
    /// Only these peers beside the framework [default: all that are installed]
    #[arg(long, value_delimiter = ',')]
    pub(crate) peers: Vec<Peer>,
    /// The framework alone, without peers
    #[arg(long, conflicts_with = "peers")]
    pub(crate) alone: bool,
    /// The framework alone, in pairs with the servers of this program, which an earlier revision has built
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["peers", "alone"])]
    pub(crate) before: Option<PathBuf>,
    /// Ends each kind within about two minutes: shows that things work, and nothing else
    #[arg(long)]
    pub(crate) quick: bool,
    /// How often everything is measured [default: 5, with --quick 1]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub(crate) rounds: Option<u32>,
    /// How long one measurement takes [default: by kind]
    #[arg(long, value_parser = seconds)]
    pub(crate) seconds: Option<Duration>,
    /// How long a start waits for others to be quiet, at most [default: 120, with --quick 2]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
    /// How many subscribers or connections there are [default: by kind]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=30_000))]
    pub(crate) subscribers: Vec<u64>,
    /// Where figures, tables and charts are written [default: bench in the target folder]
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
    /// Writes the figures and charts into docs/figures too
    #[arg(long)]
    pub(crate) save: bool,
    /// Prints what the run needs and may have to be installed, and measures nothing
    #[arg(long, hide = true)]
    pub(crate) needs: bool,
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
}

/// What this program starts of itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Serves until it is ended
    #[command(hide = true)]
    Serve { server: Server },
    /// Holds connections until its input ends
    #[command(hide = true)]
    Hold { peer: Peer, authority: String, connections: u64 },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if seconds <= 3_600.0 => Ok(duration),
        _ => Err("between 0 and 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |arguments: &[&str]| Arguments::try_parse_from([&["bench"], arguments].concat()).unwrap_err();
        assert!(error(&["resst"]).to_string().contains("'rest'"), "a similar name is proposed");
        assert!(error(&["rest", "--peers", "axum,nginx"]).to_string().contains("axum-ws"), "the peers are listed");
        assert!(error(&["--rounds", "0"]).to_string().contains("1..=99"));
        assert!(error(&["--seconds", "many"]).to_string().contains("seconds"));
        assert!(error(&["--alone", "--peers", "axum"]).to_string().contains("cannot be used"));
    }
}
