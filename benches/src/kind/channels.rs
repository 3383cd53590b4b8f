//! Publishing into many channels beside publishing into one, each with the same ten members.
//!
//! Once over WebSockets, as clients pay it, and once inside this process through the public interface of the core,
//! where no socket hides what the channels cost.

use std::rc::Rc;
use std::time::{Duration, Instant};

use feathers::call::Provider;
use feathers::event::{Delivery, Subscription};
use feathers::prelude::*;
use feathers::session::{Handshake as Client, Session};

use crate::bench::{self, Bench};
use crate::chart::Panel;
use crate::kind::Kind;
use crate::load::{self, Ledger, Pace, Phase, Posting, Publisher, Wire};
use crate::outcome::{Outcome, float};
use crate::peer::{self, Peer};
use crate::process::SERVER_CORE;
use crate::report::{Goal, Limit, Metric, Report, Sample};
use crate::server::Server;
use crate::usage::{self, Cpu, Window};

pub(super) const PEERS: [Peer; 1] = [Peer::Framework];

pub(crate) const CHANNELS: u64 = 100_000;
const MEMBERS: u64 = 10;

/// Jumps over the channels in an order that no cache foresees, and through all of them: a prime.
const STEP: u64 = 7_919;

/// Events between two looks at the clock.
const BATCH: u64 = 100;

const ONE: &str = "one channel of 10, in the process";
const MANY: &str = "100,000 channels of 10, in the process";
const ONE_WS: &str = "one channel of 10, WebSocket";
const MANY_WS: &str = "100,000 channels of 10, WebSocket";

const COST: Metric = Metric::new("CPU µs a delivery", 3);
const OF_ONE: Metric = Metric::new("of one channel", 2);
const METRICS: [Metric; 4] = [COST, OF_ONE, Metric::new("deliveries/s", 0), Metric::new("KiB for each channel", 2)];

pub(super) fn measure(bench: &Bench) -> Outcome<(Report, Vec<Panel>)> {
    let goals = [MANY_WS, MANY].map(|work| Goal {
        work: work.to_owned(),
        peer: Peer::Framework,
        metric: OF_ONE,
        limit: Limit::AtMost(1.3),
    });
    let mut report = Report::new(Kind::Channels, &METRICS, None, goals.to_vec());
    let time = bench.time(Duration::from_secs(4), Duration::from_secs(2));
    let cells = PEERS.map(|peer| bench::Cell::new((), peer));
    bench.measure(&mut report, &cells, |_| {
        let one_ws = deliver(Server::Room, time)?;
        let many_ws = deliver(Server::Rooms, time)?;
        let one = load::run(publish(1, time))?;
        let many = load::run(publish(CHANNELS, time))?;
        Ok(vec![
            one_ws.sample(ONE_WS, &one_ws),
            many_ws.sample(MANY_WS, &one_ws),
            Cost { memory: f64::NAN, ..one }.sample(ONE, &one),
            many.sample(MANY, &one),
        ])
    })?;
    Ok((report, [ONE_WS, MANY_WS, ONE, MANY].map(|work| Panel::new(work, COST)).to_vec()))
}

/// What publishing has cost.
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    rate: f64,
    memory: f64,
    foreign: f64,
}

impl Cost {
    fn sample(&self, work: &str, one: &Self) -> Sample {
        let values = vec![self.cpu, self.cpu / one.cpu, self.rate, self.memory];
        Sample { work: work.to_owned(), foreign: self.foreign, values }
    }
}

/// Publishes over HTTP to WebSockets, each message when all have the last.
fn deliver(which: Server, time: Duration) -> Outcome<Cost> {
    let served = peer::own(which, SERVER_CORE)?;
    load::run(async {
        let ledger = Rc::new(Ledger::new());
        let _listeners = load::connect(&served.authority, Wire::Realtime, MEMBERS, &ledger).await?;
        let mut publisher = Publisher::connect(&served.intake, Posting::Json("/messages")).await?;
        let phase = |time| Phase { pace: Pace::InFlight(1), time, subscribers: MEMBERS };
        phase(time / 4).run(&mut publisher, &ledger).await?;
        let window = Window::open(served.pids())?;
        let result = phase(time).run(&mut publisher, &ledger).await?;
        let used = window.close()?;
        if result.lost > 0 {
            return Err(format!("{} deliveries are lost", result.lost).into());
        }
        let cpu = used.total * 1e6 / float(result.delivered);
        Ok(Cost { cpu, rate: result.rate(), memory: f64::NAN, foreign: used.foreign })
    })
}

/// A service that only emits.
struct Rooms;

#[service(events("said"))]
impl Rooms {
    async fn find(&self) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }
}

async fn publish(channels: u64, time: Duration) -> Outcome<Cost> {
    let mut app = App::new();
    app.service("rooms", Rooms)
        .publish(move |event, app| Some(app.channel(room(event.data.value().ok()?.as_u64()?, channels))));
    let app = app.start().await?;
    let own = [std::process::id()];
    let before = resident(&own);
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        let session = app.open(Client::new(Provider::new("bench"))).await?;
        for number in 0..channels {
            app.channel(format!("room {number}")).join(session.connection());
        }
        members.push((session.subscribe(), session));
    }
    let memory = (resident(&own) - before) / float(channels);
    let mut number = 0;
    batch(&app, &mut number, &mut members).await?;

    let (window, cpu) = (Window::open(Vec::new())?, Cpu::of(&own));
    let (start, first) = (Instant::now(), number);
    while start.elapsed() < time {
        batch(&app, &mut number, &mut members).await?;
    }
    let (used, (total, _)) = (window.close()?, Cpu::of(&own).since(cpu));
    let deliveries = float((number - first) * MEMBERS);
    let (cpu, rate) = (total * 1e6 / deliveries, deliveries / used.elapsed);
    Ok(Cost { cpu, rate, memory, foreign: used.foreign })
}

fn resident(pids: &[u32]) -> f64 {
    usage::memory(pids, usage::Memory::Resident)
}

/// Returns the channel of a message.
pub(crate) fn room(number: u64, channels: u64) -> String {
    format!("room {}", number * STEP % channels)
}

/// Publishes events one by one, each when all members have read the last.
async fn batch(app: &AppHandle, number: &mut u64, members: &mut [(Subscription, Session)]) -> Outcome {
    let rooms = app.service("rooms")?;
    for _ in 0..BATCH {
        *number += 1;
        rooms.emit("said", json!(*number));
        for (subscription, _) in &mut *members {
            let Some(Delivery::Event(_)) = subscription.next().await else {
                return Err("a member has not got an event".into());
            };
        }
    }
    Ok(())
}
