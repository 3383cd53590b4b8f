//! What is run, and for how long.

use std::str::FromStr;
use std::time::Duration;

/// How the program is called.
pub const USAGE: &str = "\
storm [--clients N] [--addresses N] [--seconds N] [--pin] [--strict]

  --clients N    how many hostile clients there are, 5,000 if nothing is said; each tries once a second
  --addresses N  from how many addresses of this machine they come, 100 if nothing is said
  --seconds N    how long the storm takes, 600 if nothing is said
  --pin          keeps the server to one core and the clients to another
  --strict       fails if good clients are slower than before, too";

/// The options.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub(super) clients: usize,
    pub(super) addresses: usize,
    pub(super) time: Duration,
    /// How long good clients are alone before.
    pub(super) calm: Duration,
    pub(super) pin: bool,
    pub(super) strict: bool,
}

impl Options {
    /// Reads the arguments; the error says what is wrong.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut clients, mut addresses, mut seconds, mut pin, mut strict) = (5_000, 100, 600, false, false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--clients" => clients = number(&argument, arguments.next())?,
                "--addresses" => addresses = number::<usize>(&argument, arguments.next())?.clamp(1, 200),
                "--seconds" => seconds = number(&argument, arguments.next())?,
                "--pin" => pin = true,
                "--strict" => strict = true,
                _ => return Err(format!("unknown option {argument}")),
            }
        }
        let time = Duration::from_secs(seconds);
        Ok(Self { clients, addresses, time, calm: (time / 4).min(Duration::from_secs(30)), pin, strict })
    }
}

fn number<T: FromStr>(name: &str, text: Option<String>) -> Result<T, String> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| format!("{name} needs a number"))
}
