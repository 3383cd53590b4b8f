//! The nemesis: it breaks links, stops processes and ends servers, as a seed says.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep;

use super::link::{Fault, Link};
use super::process::{self, Signal};

/// What there is to break.
#[derive(Debug)]
pub(super) struct Nemesis {
    rng: StdRng,
    links: Vec<Arc<Link>>,
    /// The process of readers that can be stopped.
    host: Option<u32>,
}

/// What is to be restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restart {
    Server(Signal),
    Proxy(Signal),
}

impl Nemesis {
    pub(super) fn new(seed: u64, links: Vec<Arc<Link>>, host: Option<u32>) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), links, host }
    }

    /// Draws what is restarted within so much time, when, and how: the server at least once, and a proxy as often.
    pub(super) fn restarts(&mut self, time: Duration, proxied: bool) -> Vec<(Duration, Restart)> {
        let count = (time.as_secs() / 12).max(1);
        let mut restarts = Vec::new();
        for what in [Restart::Server, Restart::Proxy].into_iter().take(if proxied { 2 } else { 1 }) {
            restarts.extend((0..count).map(|_| {
                let at = time.mul_f64(self.rng.random_range(0.2..0.9));
                (at, what(if self.rng.random_bool(0.5) { Signal::Kill } else { Signal::Term }))
            }));
        }
        restarts.sort_by_key(|(at, _)| *at);
        restarts
    }

    /// Breaks things until the time is over; then mends everything.
    pub(super) async fn run(mut self, until: Instant) {
        while Instant::now() < until {
            let pause = self.rng.random_range(20..160);
            sleep(Duration::from_millis(pause)).await;
            self.strike(until);
        }
        for link in &self.links {
            if !link.is_sound() {
                link.cut();
                link.set(Fault::None);
            }
        }
        if let Some(host) = self.host {
            let _ = process::signal(host, Signal::Cont).await;
        }
    }

    fn strike(&mut self, until: Instant) {
        let left = until.saturating_duration_since(Instant::now());
        let index = self.rng.random_range(0..self.links.len());
        let Some(link) = self.links.get(index).cloned() else { return };
        let kind = self.rng.random_range(0..100);
        let time =
            |range: std::ops::Range<u64>, rng: &mut StdRng| Duration::from_millis(rng.random_range(range)).min(left);
        match kind {
            0..35 => link.cut(),
            35..50 => hurt(link, Fault::Swallowing, time(20..600, &mut self.rng)),
            50..62 => hurt(link, Fault::Deaf, time(50..1_500, &mut self.rng)),
            62..85 => hurt(link, Fault::Stalled, time(300..5_000, &mut self.rng)),
            85..94 => hurt(link, Fault::Refusing, time(200..2_000, &mut self.rng)),
            94..98 => {
                if let Some(host) = self.host {
                    let pause = time(300..3_000, &mut self.rng);
                    tokio::spawn(async move {
                        let _ = process::signal(host, Signal::Stop).await;
                        sleep(pause).await;
                        let _ = process::signal(host, Signal::Cont).await;
                    });
                }
            }
            _ => self.links.iter().for_each(|link| link.cut()),
        }
    }
}

/// Breaks a link for a while, unless it is broken already.
fn hurt(link: Arc<Link>, fault: Fault, time: Duration) {
    if !link.is_sound() {
        return;
    }
    link.set(fault);
    if fault == Fault::Refusing {
        link.cut();
    }
    tokio::spawn(async move {
        sleep(time).await;
        if fault == Fault::Swallowing {
            link.cut();
        }
        link.set(Fault::None);
    });
}
