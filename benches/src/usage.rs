//! What processes use, out of `/proc`: processor time, memory, and what the rest of the machine does meanwhile.

use std::fs;
use std::time::Instant;

use crate::outcome::{Outcome, float};

/// In `/proc` times have steps of 10 ms on every Linux.
const TICKS_A_SECOND: f64 = 100.0;

/// Processor time so far, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// All of it, measured in nanoseconds.
    pub(crate) total: f64,
    /// The part outside the kernel, in steps of 10 ms.
    user: f64,
    /// The part in the kernel, in steps of 10 ms.
    system: f64,
}

impl Cpu {
    /// Adds up what these processes have used. One that has ended counts as nothing.
    pub(crate) fn of(pids: &[u32]) -> Self {
        let mut sum = Self::default();
        for pid in pids {
            for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
                sum.total += nanoseconds(&fs::read_to_string(task.path().join("schedstat")).unwrap_or_default());
            }
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The name of the program, in brackets, may hold anything; fields 14 and 15 of proc(5) follow.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
            sum.user += ticks(11) / TICKS_A_SECOND;
            sum.system += ticks(12) / TICKS_A_SECOND;
        }
        sum
    }

    /// Returns the time since an earlier look: all of it, and the part outside the kernel.
    pub(crate) fn since(self, earlier: Self) -> (f64, f64) {
        let total = self.total - earlier.total;
        let (user, system) = (self.user - earlier.user, self.system - earlier.system);
        // The shares are in coarse steps, the sum is exact.
        let share = if user + system > 0.0 { user / (user + system) } else { 0.0 };
        (total, total * share)
    }
}

fn nanoseconds(schedstat: &str) -> f64 {
    let text = schedstat.split(' ').next().unwrap_or_default();
    text.parse::<f64>().unwrap_or_default() / 1e9
}

/// Returns the processor time that the whole machine has used so far, in seconds; waiting is none.
pub(crate) fn machine() -> Outcome<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, then idle and waiting for disks, then interrupts.
    let [user, nice, system, _, _, hard, soft, ..] = fields.as_slice() else {
        return Err("no figures of the machine in /proc/stat".into());
    };
    Ok((user + nice + system + hard + soft) / TICKS_A_SECOND)
}

/// Returns a process and all that it has started.
pub(crate) fn family(pid: u32) -> Vec<u32> {
    let mut members = vec![pid];
    let mut looked_at = 0;
    while let Some(&member) = members.get(looked_at) {
        looked_at += 1;
        for task in fs::read_dir(format!("/proc/{member}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            members.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    members
}

/// A kind of memory, by its name in `/proc/PID/status`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Memory {
    /// What is held now.
    Resident,
    /// The most that was ever held.
    Peak,
}

/// Adds up the memory of processes, in KiB.
pub(crate) fn memory(pids: &[u32], which: Memory) -> f64 {
    let name = match which {
        Memory::Resident => "VmRSS:",
        Memory::Peak => "VmHWM:",
    };
    let of = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    float(pids.iter().filter_map(of).sum())
}

/// The time of one measurement: what the servers use, and what all other processes do.
#[derive(Debug)]
pub(crate) struct Window {
    servers: Vec<u32>,
    start: Instant,
    cpu: Cpu,
    ours: Cpu,
    machine: f64,
}

/// What happened in a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    /// Seconds of processor time of the servers.
    pub(crate) total: f64,
    /// The part of it outside the kernel.
    pub(crate) user: f64,
    /// Cores that neither this process nor anything that it has started has used.
    pub(crate) foreign: f64,
    /// Seconds that went by.
    pub(crate) elapsed: f64,
}

impl Window {
    /// Begins to look.
    pub(crate) fn open(servers: Vec<u32>) -> Outcome<Self> {
        let (cpu, ours) = (Cpu::of(&servers), ours());
        Ok(Self { servers, start: Instant::now(), cpu, ours, machine: machine()? })
    }

    /// Returns what was used since the beginning.
    pub(crate) fn close(self) -> Outcome<Used> {
        let elapsed = self.start.elapsed().as_secs_f64();
        let (total, user) = Cpu::of(&self.servers).since(self.cpu);
        let (ours, _) = ours().since(self.ours);
        let foreign = ((machine()? - self.machine - ours) / elapsed).max(0.0);
        Ok(Used { total, user, foreign, elapsed })
    }
}

/// Returns what the benchmark has used: the load, and the servers that it has started.
fn ours() -> Cpu {
    Cpu::of(&family(std::process::id()))
}
