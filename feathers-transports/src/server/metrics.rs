//! Metrics for Prometheus.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use feathers_core::{AppHandle, Error, Result};
use http::header;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Where they are.
pub(super) const PATH: &str = "/metrics";

/// How often what was measured is put into the buckets.
const UPKEEP: Duration = Duration::from_secs(5);

/// The upper ends of the buckets of durations, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The recorder of the process, as it is handed to every server in it.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// What is measured in the process.
pub(super) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder; where this was done before, returns the same.
    pub(super) fn install() -> Result<Self> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*installed {
            return Ok(Self(handle.clone()));
        }
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), &BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| Error::general(format!("cannot record metrics: {error}")).with_source(error))?;
        feathers_core::metrics::describe();
        *installed = Some(handle.clone());
        Ok(Self(handle))
    }

    /// Serves `/metrics`.
    pub(super) fn routes(self, app: &AppHandle) -> Router {
        let upkeep = self.0.clone();
        let handle = app.clone();
        app.spawn(async move {
            while tokio::time::timeout(UPKEEP, handle.stopping()).await.is_err() {
                upkeep.run_upkeep();
            }
        });
        let page = move || {
            let text = self.0.render();
            async move { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
        };
        Router::new().route(PATH, get(page))
    }
}
