//! The metrics of the framework: the name, the kind and the meaning of each, once.
//!
//! They are recorded through the crate `metrics`. [`describe`] tells the recorder what they mean; the server does so
//! for its own `/metrics`.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It rises and falls.
    Gauge,
    /// How often values were seen.
    Histogram,
}

/// A metric of the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// The name by which it is recorded.
    pub name: &'static str,
    /// Whether it counts, rises and falls, or collects values.
    pub kind: MetricKind,
    /// What it measures, and by which labels.
    pub help: &'static str,
}

macro_rules! metrics {
    ($(#[doc = $help:literal] $kind:ident $constant:ident = $name:literal;)*) => {
        $(#[doc = $help] pub const $constant: &str = $name;)*

        /// All metrics, as the guide lists them.
        pub const ALL: &[Metric] =
            &[$(Metric { name: $name, kind: MetricKind::$kind, help: $help.trim_ascii() }),*];
    };
}

metrics! {
    /// Calls, by `service`, `method` and `status`.
    Counter CALLS = "feathers_calls_total";
    /// How long calls took, by `service` and `method`.
    Histogram CALL_DURATION_SECONDS = "feathers_call_duration_seconds";
    /// Realtime connections, by `transport`.
    Gauge CONNECTIONS = "feathers_connections";
    /// Connections of the server, upgraded ones included.
    Gauge HTTP_CONNECTIONS = "feathers_http_connections";
    /// Events that became visible in the log.
    Counter EVENTS_PUBLISHED = "feathers_events_published_total";
    /// Clients that could not resume and have to reload, by `reason`.
    Counter RESETS = "feathers_resets_total";
    /// Publishers that panicked or waited for too long.
    Counter PUBLISHERS_FAILED = "feathers_publishers_failed_total";
    /// Listeners that panicked.
    Counter LISTENERS_FAILED = "feathers_listeners_failed_total";
    /// Filters of channels that panicked, each for one event and one connection.
    Counter FILTERS_FAILED = "feathers_filters_failed_total";
    /// Access rules that panicked: they gave no right.
    Counter ACCESS_RULES_FAILED = "feathers_access_rules_failed_total";
    /// How often code of the app held its thread for too long.
    Counter BLOCKED_THREADS = "feathers_blocked_threads_total";
    /// Calls whose hooks waited for longer than a call may take.
    Counter CALLS_GIVEN_UP = "feathers_calls_given_up_total";
    /// Calls under way whose callers have gone.
    Gauge CALLS_ABANDONED = "feathers_calls_abandoned";
    /// All calls whose callers went before the answer.
    Counter CALLS_ABANDONED_TOTAL = "feathers_calls_abandoned_total";
    /// Bytes of requests and answers that are under way.
    Gauge IN_FLIGHT_BYTES = "feathers_in_flight_bytes";
    /// What was refused because a bound was reached, by `bound`.
    Counter REFUSED = "feathers_refused_total";
    /// Calls refused because the events of their caller would push out those of others.
    Counter LOG_CALLERS_REFUSED = "feathers_log_callers_refused_total";
    /// Memberships of clients that have gone, forgotten to make room.
    Counter MEMBERSHIPS_FORGOTTEN = "feathers_memberships_forgotten_total";
    /// Groups of readers past 1,000 of a service that no value of a record finds, each compared with every event.
    Counter READERS_SCANNED = "feathers_readers_scanned_total";
    /// Events whose publisher took longer than a second.
    Counter LOG_SLOTS_GIVEN_UP = "feathers_log_slots_given_up_total";
    /// Events that did not reach the shared log.
    Counter LOG_EVENTS_LOST = "feathers_log_events_lost_total";
    /// Reads that left the threads that answer others.
    Counter SQLITE_SLOW_READS = "feathers_sqlite_slow_reads_total";
    /// Reads and writes that were ended at their limit, by `kind`.
    Counter SQLITE_TIMEOUTS = "feathers_sqlite_timeouts_total";
    /// How many writes were committed together.
    Histogram SQLITE_GROUP_JOBS = "feathers_sqlite_group_jobs";
    /// Items that a GRIP proxy took, by `proxy`.
    Counter GRIP_PUBLISHED = "feathers_grip_published_total";
    /// Items that were dropped because a GRIP proxy was behind, by `proxy`.
    Counter GRIP_MISSED = "feathers_grip_missed_total";
    /// Items that a GRIP proxy refused, by `proxy`.
    Counter GRIP_FAILED = "feathers_grip_failed_total";
    /// Requests to a GRIP proxy that were made again, by `proxy`.
    Counter GRIP_RETRIES = "feathers_grip_retries_total";
    /// Items that wait for a GRIP proxy, by `proxy`.
    Gauge GRIP_BEHIND = "feathers_grip_behind";
}

/// Tells the recorder of the process what the metrics mean. A recorder that is installed later does not hear of it.
pub fn describe() {
    for metric in ALL {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}
