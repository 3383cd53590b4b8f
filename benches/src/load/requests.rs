//! Requests in a closed loop: so many connections, and on each the next request as soon as the answer is there.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

use super::http;
use crate::outcome::Outcome;

/// The connections of a closed loop.
const CONNECTIONS: usize = 64;

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: &'a str,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// How long each took, in microseconds.
    pub(crate) latencies: Vec<u32>,
}

/// Sends requests for some time and returns what came back. An answer that is no success is an error.
pub(crate) async fn drive(authority: &str, request: Request<'_>, time: Duration) -> Outcome<Answers> {
    let Request { method, path, body } = request;
    let content = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    let text = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\n{content}\r\n{body}");
    let (text, answers) = (Rc::<[u8]>::from(text.as_bytes()), Rc::new(RefCell::new(Answers::default())));
    let mut streams = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let end = Instant::now() + time;
    let clients: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            let (text, answers) = (text.clone(), answers.clone());
            spawn_local(async move { client(stream, &text, &answers, end).await.map_err(|error| error.to_string()) })
        })
        .collect();
    for client in clients {
        client.await??;
    }
    Ok(answers.take())
}

async fn client(mut stream: TcpStream, request: &[u8], answers: &RefCell<Answers>, end: Instant) -> Outcome {
    let mut bytes = vec![0; 8 << 10];
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(());
        }
        exchange(&mut stream, request, &mut bytes).await?;
        let latency = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
        answers.borrow_mut().latencies.push(latency);
    }
}

/// Sends a request and reads the whole answer, which must be a success. Returns where in the buffer its body is.
pub(crate) async fn exchange(stream: &mut TcpStream, request: &[u8], bytes: &mut Vec<u8>) -> Outcome<Range<usize>> {
    stream.write_all(request).await?;
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            bytes.resize((2 * filled).max(1 << 10), 0);
        }
        stream.readable().await?;
        match stream.try_read(bytes.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => return Err("the server has closed a connection".into()),
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        }
        let answer = bytes.get(..filled).unwrap_or_default();
        if let Some(head) = http::head(answer)? {
            if !(200..300).contains(&head.status) {
                return Err(http::unexpected(answer).into());
            }
            let end = head.length + head.body;
            if filled >= end {
                return Ok(head.length..end);
            }
        }
    }
}
