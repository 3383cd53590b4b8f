//! HTTP for readers.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Ended;

pub(super) fn client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().connect_timeout(Duration::from_secs(3));
    builder.build().expect("a client without TLS can always be made")
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
pub(super) fn why(error: reqwest::Error) -> String {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        why = format!("{why}: {error}");
        source = error.source();
    }
    why
}

/// Reads the body of an answer that is a success.
pub(super) async fn json<T: DeserializeOwned>(answer: reqwest::Response) -> Ended<T> {
    let status = answer.status();
    let body = answer.text().await.map_err(why)?;
    if !status.is_success() {
        return Err(format!("{status} {body}"));
    }
    serde_json::from_str(&body).map_err(|error| format!("{error} in {body}"))
}
