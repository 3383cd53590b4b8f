//! Collecting: what all readers tell, with the time, and where each of them stands.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::history::{Spot, Step};

/// What one reader has received, with the milliseconds since the beginning of the run.
pub(super) type Steps = Vec<(u64, Step)>;

/// What all readers tell.
#[derive(Debug)]
pub(super) struct Collector {
    start: Instant,
    steps: UnboundedReceiver<(usize, Step)>,
    told: BTreeMap<usize, Steps>,
    spots: BTreeMap<usize, Spot>,
    /// Where those stand that still have to read all records.
    reading: BTreeMap<usize, Spot>,
}

impl Collector {
    pub(super) fn new(start: Instant, steps: UnboundedReceiver<(usize, Step)>) -> Self {
        Self { start, steps, told: BTreeMap::new(), spots: BTreeMap::new(), reading: BTreeMap::new() }
    }

    /// Collects until something has happened.
    pub(super) async fn during<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = pin!(something);
        loop {
            tokio::select! {
                value = &mut something => return value,
                Some((number, step)) = self.steps.recv() => self.take(number, step),
            }
        }
    }

    /// Collects until these readers have come to a number or further; `false` if it takes too long.
    pub(super) async fn until_all_at(&mut self, numbers: &[usize], head: &Spot, patience: Duration) -> bool {
        let waiting = async {
            while numbers.iter().any(|number| self.spots.get(number).is_none_or(|spot| !reaches(spot, head))) {
                match self.steps.recv().await {
                    Some((number, step)) => self.take(number, step),
                    None => return false,
                }
            }
            true
        };
        timeout(patience, waiting).await.unwrap_or(false)
    }

    /// Returns everything.
    pub(super) fn finish(mut self) -> BTreeMap<usize, Steps> {
        while let Ok((number, step)) = self.steps.try_recv() {
            self.take(number, step);
        }
        self.told
    }

    fn take(&mut self, number: usize, step: Step) {
        match &step {
            Step::Event { at, .. } | Step::Stands { at } => drop(self.spots.insert(number, at.clone())),
            Step::Reset { at, .. } => drop(self.reading.insert(number, at.clone())),
            Step::Reads { .. } => self.spots.extend(self.reading.remove(&number).map(|at| (number, at))),
            Step::Opens { .. } | Step::Cut { .. } => {}
        }
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.told.entry(number).or_default().push((now, step));
    }
}

fn reaches(spot: &Spot, head: &Spot) -> bool {
    spot.epoch == head.epoch && spot.seq >= head.seq
}
