//! A reader of server-sent events.

use serde_json::Value;
use tokio::time::timeout;

use super::{Ended, Reader, http};

/// One block of a stream.
#[derive(Debug, Default)]
struct Block {
    kind: String,
    id: Option<String>,
    data: String,
}

impl Reader {
    pub(super) async fn sse(&mut self) -> Ended {
        let mut request =
            self.http.get(format!("http://{}/realtime", self.plan.door)).header("accept", "text/event-stream");
        match self.since.as_deref() {
            Some("earliest") => request = request.query(&[("since", "earliest")]),
            Some(since) => request = request.header("last-event-id", since),
            None => {}
        }
        let answer = timeout(self.silence(), request.send()).await.map_err(|_| "no answer")?;
        let mut answer = answer.map_err(http::why)?;
        if !answer.status().is_success() {
            return Err(format!("a stream with {}", answer.status()));
        }
        let mut text = Vec::new();
        while let Some(chunk) =
            timeout(self.silence(), answer.chunk()).await.map_err(|_| "silence")?.map_err(http::why)?
        {
            text.extend_from_slice(&chunk);
            while let Some(end) = text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = text.drain(..end + 2).collect();
                let block = parse(std::str::from_utf8(&block).map_err(|error| error.to_string())?);
                self.block(&block).await?;
            }
        }
        Ok(())
    }

    async fn block(&mut self, block: &Block) -> Ended {
        if block.data.is_empty() {
            return Ok(());
        }
        let data: Value = serde_json::from_str(&block.data).map_err(|error| format!("{error} in {}", block.data))?;
        let id = block.id.as_deref();
        match block.kind.as_str() {
            "" => {
                let text = |name: &str| data[name].as_str().unwrap_or_default();
                self.event(text("path"), text("event"), &data["data"], id.unwrap_or_default());
            }
            // A heartbeat that only says when to reconnect has no id: the cursor stays.
            "hb" => {
                if let Some(id) = id {
                    self.stands(id);
                }
            }
            "ready" => {
                if let Some(id) = id {
                    self.stands(id);
                    self.has_begun().await;
                }
            }
            "reset" => self.reset(&data["data"]).await,
            other => return Err(format!("what is {other}?")),
        }
        Ok(())
    }
}

fn parse(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut block.kind),
            "id" => block.id = Some(value.to_owned()),
            "data" => block.data.push_str(value),
            _ => {}
        }
    }
    block
}
