//! One run under callgrind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::step::{Failure, Outcome};

/// The function inside which instructions are counted; a part of the output is written each time that it ends.
const COUNTED: &str = "feathers_micro::counted";

/// How long one benchmark may take. They take seconds.
const PATIENCE: Duration = Duration::from_mins(3);

/// What glibc may use of the processor: not more than every machine has, so that its copies are the same everywhere.
const TUNABLES: &str = "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI2,-RTM";

/// A benchmark under callgrind.
pub(super) struct Count<'a> {
    valgrind: &'a Path,
    program: &'a Path,
    name: &'a str,
    /// Where the parts of the output go, each with its number at the end.
    out: PathBuf,
}

impl<'a> Count<'a> {
    pub(super) fn new(valgrind: &'a Path, program: &'a Path, name: &'a str) -> Self {
        let file = format!("{}.callgrind", name.replace('/', "-"));
        Self { valgrind, program, name, out: program.with_file_name(file) }
    }

    /// Returns the instructions of one operation, of which the first part has `times` and the second twice as many.
    ///
    /// The difference has none of what is done once, however many operations there are.
    pub(super) fn instructions(&self, times: u64) -> Outcome<u64> {
        self.run()?;
        let (once, twice) = (total(&self.part(1))?, total(&self.second_part())?);
        Ok(twice.saturating_sub(once) / times)
    }

    /// Returns the file of the second part.
    pub(super) fn second_part(&self) -> PathBuf {
        self.part(2)
    }

    fn part(&self, number: u32) -> PathBuf {
        self.out.with_extension(format!("callgrind.{number}"))
    }

    fn run(&self) -> Outcome {
        for number in 1..=2 {
            // What an earlier run has left must not be taken for this one's.
            let _ = fs::remove_file(self.part(number));
        }
        let failed = |why: &str| Failure::new(format!("{} under valgrind: {why}", self.name));
        let mut child = Command::new(self.valgrind)
            .args(["-q", "--tool=callgrind"])
            .args([format!("--toggle-collect={COUNTED}"), format!("--dump-after={COUNTED}")])
            .arg(format!("--callgrind-out-file={}", self.out.display()))
            .args([self.program.as_os_str(), self.name.as_ref()])
            .env("GLIBC_TUNABLES", TUNABLES)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| failed(&error.to_string()))?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(failed(&status.to_string())),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
                Ok(None) => {
                    // Not waited for: it may hang in the system, and this must end.
                    let _ = child.kill();
                    return Err(failed(&format!("not done after {} s", PATIENCE.as_secs())));
                }
                Err(error) => return Err(failed(&error.to_string())),
            }
        }
    }
}

/// Reads how many instructions a part of the output is about.
fn total(part: &Path) -> Outcome<u64> {
    let failed = |why: String| Failure::new(format!("{}: {why}", part.display()));
    let text = fs::read_to_string(part).map_err(|error| failed(format!("{error}; was {COUNTED} inlined?")))?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.ok_or_else(|| failed("no total".to_owned()))
}
