//! A phase of publishing: for some time, at some pace, to subscribers that are there already.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::ledger::Ledger;
use super::publisher::Publisher;
use crate::outcome::{Outcome, float};
use crate::statistics::percentile;

/// How long the last deliveries may take to come; what has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(8);

/// How fast it is published.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// At most so many messages that not all have yet; 1 is lockstep.
    InFlight(u64),
    /// So many messages a second, whatever happens.
    PerSecond(f64),
}

/// What is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    pub(crate) pace: Pace,
    pub(crate) time: Duration,
    pub(crate) subscribers: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    /// Seconds from the first message to the last delivery.
    pub(crate) elapsed: f64,
    /// Milliseconds between a message and its delivery.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Phase {
    /// Publishes, and waits until all subscribers have everything.
    pub(crate) async fn run(self, publisher: &mut Publisher, ledger: &Ledger) -> Outcome<Published> {
        ledger.begin();
        let start = Instant::now();
        let messages = match self.pace {
            Pace::InFlight(most) => self.closed(most, publisher, ledger).await?,
            Pace::PerSecond(rate) => self.paced(rate, publisher, ledger).await?,
        };
        let expected = messages * self.subscribers;
        let complete = ledger.wait_for(expected, PATIENCE).await;
        let waited_in_vain = if complete { 0.0 } else { PATIENCE.as_secs_f64() };
        let delivered = ledger.delivered();
        let mut latencies = ledger.take_latencies();
        Ok(Published {
            delivered,
            lost: expected.saturating_sub(delivered),
            elapsed: start.elapsed().as_secs_f64() - waited_in_vain,
            p50: percentile(&mut latencies, 50),
            p99: percentile(&mut latencies, 99),
        })
    }

    async fn closed(self, most: u64, publisher: &mut Publisher, ledger: &Ledger) -> Outcome<u64> {
        let start = Instant::now();
        let mut sent = 0_u64;
        while start.elapsed() < self.time {
            if !ledger.wait_for(self.subscribers * (sent + 1).saturating_sub(most), PATIENCE).await {
                break;
            }
            publisher.publish(ledger).await?;
            sent += 1;
        }
        Ok(sent)
    }

    async fn paced(self, rate: f64, publisher: &mut Publisher, ledger: &Ledger) -> Outcome<u64> {
        let mut pace = interval(Duration::from_secs_f64(1.0 / rate));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let start = Instant::now();
        let mut sent = 0_u64;
        while start.elapsed() < self.time {
            pace.tick().await;
            publisher.publish(ledger).await?;
            sent += 1;
        }
        Ok(sent)
    }
}

impl Published {
    /// Returns the deliveries in a second.
    pub(crate) fn rate(&self) -> f64 {
        float(self.delivered) / self.elapsed
    }
}
