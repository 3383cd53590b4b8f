//! The publisher: posts messages on one connection, without waiting for the answers where that is possible.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::{JoinHandle, spawn_local};

use super::http;
use super::ledger::Ledger;
use super::requests::exchange;
use crate::outcome::Outcome;

/// Returns a message of about 150 bytes with a time.
pub(crate) fn message(time: u64) -> String {
    format!(r#"{{"text":"{:x<80}","user":"u1","ts":{time}}}"#, "")
}

/// How messages are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posting {
    /// As JSON to a path.
    Json(&'static str),
    /// Wrapped in an item of GRIP, each on a connection of its own, since the other side closes it after the answer.
    Grip,
}

/// Publishes messages.
#[derive(Debug)]
pub(crate) struct Publisher {
    authority: String,
    posting: Posting,
    link: Link,
}

impl Publisher {
    /// Connects to where messages are posted.
    pub(crate) async fn connect(authority: &str, posting: Posting) -> Outcome<Self> {
        Ok(Self { authority: authority.to_owned(), posting, link: Link::open(authority).await? })
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
        match self.posting {
            Posting::Json(path) => self.link.send(&self.request(path, body)).await,
            Posting::Grip => {
                let content = serde_json::to_string(&format!("data: {body}\n\n"))?;
                let item = format!(r#"{{"channel":"test","formats":{{"http-stream":{{"content":{content}}}}}}}"#);
                let request = self.request("/publish/", &format!(r#"{{"items":[{item}]}}"#));
                let mut stream = TcpStream::connect(&self.authority).await?;
                exchange(&mut stream, request.as_bytes(), &mut Vec::new()).await?;
                Ok(())
            }
        }
    }

    fn request(&self, path: &str, body: &str) -> String {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.authority,
            body.len()
        )
    }
}

/// One connection for requests whose answers are not waited for.
#[derive(Debug)]
struct Link {
    writer: OwnedWriteHalf,
    answers: JoinHandle<()>,
    failure: Rc<RefCell<Option<String>>>,
}

impl Link {
    async fn open(authority: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let failure = Rc::new(RefCell::new(None));
        let answers = spawn_local(read(reader, failure.clone()));
        Ok(Self { writer, answers, failure })
    }

    async fn send(&mut self, request: &str) -> Outcome {
        if let Some(failure) = self.failure.borrow_mut().take() {
            return Err(failure.into());
        }
        self.writer.write_all(request.as_bytes()).await?;
        Ok(())
    }
}

impl Drop for Link {
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
