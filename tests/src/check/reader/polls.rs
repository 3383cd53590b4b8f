//! A reader that polls.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::{Ended, Reader, http};

/// How long a long poll waits, in seconds.
const WAIT: &str = "1";
/// How often a short poll comes.
const INTERVAL: Duration = Duration::from_millis(60);

impl Reader {
    /// Polls until something goes wrong.
    pub(super) async fn polls(&mut self, long: bool) -> Ended {
        loop {
            let more = self.poll(long).await?;
            if !long && !more {
                sleep(INTERVAL).await;
            }
        }
    }

    /// Polls once; `true` if there is more at once.
    async fn poll(&mut self, long: bool) -> Ended<bool> {
        let mut query = vec![("wait", if long { WAIT } else { "0" })];
        query.extend(self.since.as_deref().map(|since| ("since", since)));
        let mut request =
            self.http.get(format!("http://{}/realtime", self.plan.door)).query(&query).timeout(self.silence());
        if let Some(secret) = &self.secret {
            request = request.header("x-connection-token", secret);
        }
        if !long && let Some(since) = &self.since {
            request = request.header("if-none-match", format!("\"{since}\""));
        }
        let answer = request.send().await.map_err(http::why)?;
        if answer.status() == 304 {
            return Ok(false);
        }
        let body: Value = http::json(answer).await?;
        self.secret = body["connectionToken"].as_str().map(ToOwned::to_owned);
        for event in body["events"].as_array().into_iter().flatten() {
            let text = |name: &str| event[name].as_str().unwrap_or_default();
            self.event(text("path"), text("event"), &event["data"], text("id"));
        }
        if body["reset"].is_object() {
            self.reset(&body["reset"]).await;
        } else {
            self.stands(body["cursor"].as_str().unwrap_or_default());
            self.has_begun().await;
        }
        Ok(body["more"] == true)
    }
}
