//! A reader on the raw WebSocket.

use serde_json::{Map, Value, json};

use super::{Ended, Reader, next_text, open_socket, send_text};

impl Reader {
    pub(super) async fn websocket(&mut self) -> Ended {
        let mut socket = open_socket(&format!("ws://{}/realtime", self.plan.door)).await?;
        let mut params = Map::new();
        if let Some(since) = &self.since {
            params.insert("since".to_owned(), since.clone().into());
        }
        let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello", "params": params });
        send_text(&mut socket, hello.to_string()).await?;
        loop {
            let text = next_text(&mut socket, self.silence()).await?;
            let message: Value = serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))?;
            let params = &message["params"];
            match message["method"].as_str() {
                Some("$event") => {
                    let text = |name: &str| params[name].as_str().unwrap_or_default();
                    self.event(text("path"), text("event"), &params["data"], text("cursor"));
                }
                Some("$ping") => {
                    send_text(&mut socket, json!({ "jsonrpc": "2.0", "method": "$pong" }).to_string()).await?;
                    self.stands(params["cursor"].as_str().unwrap_or_default());
                }
                Some("$reset") => self.reset(params).await,
                Some(other) => return Err(format!("what is {other}?")),
                None if message["result"]["reset"].is_object() => self.reset(&message["result"]["reset"]).await,
                None => {
                    let cursor = message["result"]["cursor"].as_str().ok_or(text.as_str())?;
                    self.stands(cursor);
                    self.has_begun().await;
                }
            }
        }
    }
}
