//! The publisher: posts messages on one connection, without waiting for the answers.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::{JoinHandle, spawn_local};

use super::http;
use super::ledger::Ledger;
use crate::outcome::Outcome;

/// Returns a message of about 150 bytes with a time.
pub(crate) fn message(time: u64) -> String {
    format!(r#"{{"text":"{:x<80}","user":"u1","ts":{time}}}"#, "")
}

/// One connection that publishes.
#[derive(Debug)]
pub(crate) struct Publisher {
    writer: OwnedWriteHalf,
    answers: JoinHandle<()>,
    failure: Rc<RefCell<Option<String>>>,
    head: String,
}

impl Publisher {
    /// Connects to where messages are posted.
    pub(crate) async fn connect(authority: &str, path: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let failure = Rc::new(RefCell::new(None));
        let answers = spawn_local(read(reader, failure.clone()));
        let head = format!("POST {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n");
        Ok(Self { writer, answers, failure, head })
    }

    /// Publishes a message that carries the time now.
    pub(crate) async fn publish(&mut self, ledger: &Ledger) -> Outcome {
        self.post(&message(ledger.now())).await
    }

    /// Publishes many messages with one request.
    pub(crate) async fn publish_many(&mut self, ledger: &Ledger, count: usize) -> Outcome {
        let messages = vec![message(ledger.now()); count];
        self.post(&format!("[{}]", messages.join(","))).await
    }

    async fn post(&mut self, body: &str) -> Outcome {
        if let Some(failure) = self.failure.borrow_mut().take() {
            return Err(failure.into());
        }
        let request = format!("{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.writer.write_all(request.as_bytes()).await?;
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.answers.abort();
    }
}

/// Reads the answers; the first that says no is the failure of the next publish.
async fn read(mut reader: OwnedReadHalf, failure: Rc<RefCell<Option<String>>>) {
    let mut bytes = Vec::new();
    let result: Outcome = async {
        loop {
            if reader.read_buf(&mut bytes).await? == 0 {
                return Err("the server has closed the publisher's connection".into());
            }
            while let Some(head) = http::head(&bytes)? {
                if !(200..300).contains(&head.status) {
                    return Err(http::unexpected(&bytes).into());
                }
                if bytes.len() < head.length + head.body {
                    break;
                }
                bytes.drain(..head.length + head.body);
            }
        }
    }
    .await;
    *failure.borrow_mut() = result.err().map(|error| error.to_string());
}
