//! What was logged, for tests that search it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Keeps everything that this thread logs, down to the finest level, for as long as it lives.
///
/// A server that runs in a test of one thread logs on that thread; other tests of the process log elsewhere.
///
/// ```
/// use feathers_testing::CapturedLogs;
///
/// let logs = CapturedLogs::of_this_thread();
/// tracing::info!(user = 7, "logged in");
/// assert!(logs.text().contains("logged in user=7"));
/// ```
#[derive(Debug)]
pub struct CapturedLogs {
    written: Written,
    _guard: DefaultGuard,
}

impl CapturedLogs {
    /// Begins to keep what this thread logs.
    #[must_use = "nothing is kept once it is dropped"]
    pub fn of_this_thread() -> Self {
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false);
        let guard = tracing::subscriber::set_default(subscriber.with_writer(written.clone()).finish());
        Self { written, _guard: guard }
    }

    /// Returns all lines that were logged until now.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
