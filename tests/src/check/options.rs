//! Options: what is run, for how long, and what is broken on purpose.

use std::time::Duration;

use super::sabotage::Sabotage;

/// How the program is called.
pub const USAGE: &str = "\
check [--seconds N] [--readers N] [--seed N] [--retain N] [--sabotage WAY]
  Writes over all transports, reads over all transports, breaks what can break, and checks that nothing was missed.
  --seconds N     how long there are writes and faults; 60 by default
  --readers N     how many readers there are, dealt out to the transports; 24 by default
  --seed N        what the faults and the writes are drawn from; printed, drawn itself by default
  --retain N      how many places the server's event log keeps; 150 by default
  --sabotage WAY  breaks the stream on purpose: drop, double, swap, silent-reset, unpublished or phantom
  --pushpin       reads streams, long polls and WebSockets behind a real Pushpin, which PUSHPIN names, loses some of what
                  is published to it, and ends and restarts it too; 1000 places are kept by default
check --prove [--seed N] [--pushpin]
  Runs every sabotage for a few seconds; each must be found. With --pushpin it is one: publications are lost, and the
  next ones say that they follow what came before";

/// One run.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the faults and the writes are drawn from.
    pub seed: u64,
    /// How long there are writes and faults.
    pub time: Duration,
    /// How many readers there are.
    pub readers: usize,
    /// How many slots the server's event log keeps.
    pub retain: usize,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// The readers are behind a real Pushpin.
    pub pushpin: bool,
    /// All sabotages are tried instead of one run.
    pub prove: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: rand::random::<u32>().into(),
            time: Duration::from_mins(1),
            readers: 24,
            retain: 150,
            sabotage: None,
            pushpin: false,
            prove: false,
        }
    }
}

impl Options {
    /// Reads the arguments of the program. The error says which one is wrong.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut retain = None;
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--prove" => {
                    options.prove = true;
                    continue;
                }
                "--pushpin" => {
                    options.pushpin = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not '{value}'"));
            let count = || number().map(|number| usize::try_from(number).unwrap_or(usize::MAX).clamp(1, 10_000));
            match name.as_str() {
                "--seed" => options.seed = number()?,
                "--seconds" => options.time = Duration::from_secs(number()?.clamp(1, 86_400)),
                "--readers" => options.readers = count()?,
                "--retain" => retain = Some(count()?),
                "--sabotage" => options.sabotage = Some(value.parse()?),
                _ => return Err(format!("there is no {name}")),
            }
        }
        // A proxy notices a gap after a moment only.
        options.retain = retain.unwrap_or(if options.pushpin { 1_000 } else { options.retain });
        Ok(options)
    }
}
