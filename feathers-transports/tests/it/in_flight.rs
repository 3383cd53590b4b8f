//! Bytes in flight: bounded for a connection, for an address and in total, and freed from slow readers.

use std::time::Duration;

use feathers_core::{App, Descriptor, Method, Payload, Request, Result, Service, async_trait};
use feathers_transports::{Realtime, Rest, Running, Server};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::services::Gate;
use crate::support::{get, post, serve_with};

const MIB: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers with so many megabytes as the id says.
struct Big;

#[async_trait]
impl Service for Big {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Get, Method::Create]).events(["ticked"])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let id = request.id.map(|id| id.to_string()).unwrap_or_default();
        Ok(json!("x".repeat(id.parse::<usize>().unwrap_or(8) * MIB)).into())
    }
}

async fn serve(options: impl FnOnce(Server) -> Server) -> Running {
    let build = |app: &mut App| {
        app.service("big", Big);
    };
    serve_with(build, options).await
}

/// Connects from an address of this machine with a small buffer, and sends something.
async fn send_from(server: &Running, last: u8, bytes: &[u8]) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.bind(([127, 0, 0, last], 0).into()).unwrap();
    let mut stream = socket.connect(server.addr()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// Reads the first line of an answer.
async fn status(stream: &mut TcpStream) -> u16 {
    let mut line = [0; 12];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut line)).await.expect("an answer").unwrap();
    std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
}

fn ask(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes()
}

/// The beginning of a body of a megabyte, of which so many bytes come.
fn half_a_body(bytes: usize) -> Vec<u8> {
    let head = "POST /gate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1048576\r\n\r\n[\"";
    [head.as_bytes(), &vec![b'x'; bytes - 2]].concat()
}

#[tokio::test]
async fn answers_that_nobody_reads_are_counted_and_what_is_small_goes_on() {
    let server = serve(|server| server.max_in_flight(32 * MIB)).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = send_from(&server, 1, &ask("/big/9")).await;
        assert_eq!(status(&mut stream).await, 200);
        held.push(stream);
    }
    let answer = get(&server, "/big/9").await;
    answer.assert_error(503, "Unavailable", "too many bytes are in flight");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(get(&server, "/big/0").await.status, 200);
    // A call that has changed something is answered in any case.
    assert_eq!(post(&server, "/big", "{}").await.status, 201);
    held.pop();
    let free = async { while get(&server, "/big/9").await.status != 200 {} };
    tokio::time::timeout(PATIENCE, free).await.expect("freed bytes still count");
}

#[tokio::test]
async fn an_address_has_its_part_of_what_is_in_flight() {
    let server = serve(|server| server.max_in_flight_per_address(10 * MIB)).await;
    let mut first = send_from(&server, 1, &ask("/big/9")).await;
    assert_eq!(status(&mut first).await, 200);
    assert_eq!(status(&mut send_from(&server, 1, &ask("/big/9")).await).await, 429);
    assert_eq!(status(&mut send_from(&server, 2, &ask("/big/9")).await).await, 200);
}

#[tokio::test]
async fn bodies_are_counted_as_they_come() {
    let gate = Gate::default();
    let server = serve_with(
        |app: &mut App| {
            app.service("gate", gate);
        },
        |server| server.max_in_flight_per_address(2 * MIB),
    )
    .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(send_from(&server, 1, &half_a_body(900_000)).await);
    }
    // Which of them is refused depends on the order in which their bytes arrive.
    let mut third = send_from(&server, 1, &half_a_body(900_000)).await;
    let mut other = send_from(&server, 2, &half_a_body(900_000)).await;
    let [one, two] = &mut held[..] else { unreachable!() };
    let refused = tokio::select! {
        status = status(one) => status,
        status = status(two) => status,
        status = status(&mut third) => status,
        _ = status(&mut other) => panic!("it is of another address"),
    };
    assert_eq!(refused, 429);
}

#[tokio::test]
async fn a_tree_that_is_much_larger_than_its_text_is_counted_as_that() {
    let server = serve(|server| server.max_in_flight_per_address(8 * MIB)).await;
    let text = |item: &str| format!("[{}]", vec![item; 200_000].join(","));
    let fits = format!("[\"{}\"]", "x".repeat(400_000));
    assert_eq!(post(&server, "/big", &fits).await.status, 201);
    let answer = post(&server, "/big", &text("0")).await;
    answer.assert_error(429, "TooManyRequests", "too many bytes are in flight for this address");
    let server = serve(|server| server).await;
    assert_eq!(post(&server, "/big", &text("0")).await.status, 201);
}

#[tokio::test]
async fn a_budget_without_room_for_the_largest_body_is_an_error_of_the_start() {
    for (server, message) in [
        (
            Server::new(App::new()).max_in_flight(1_000),
            "`Server::max_in_flight` is 1000 bytes, and must be at least the 1048576 bytes of `Server::max_body`",
        ),
        (
            Server::new(App::new()).max_in_flight_per_address(1_000),
            "`Server::max_in_flight_per_address` is 1000 bytes, and must be at least the 1048576 bytes of `Server::max_body`",
        ),
    ] {
        assert_eq!(server.bind("127.0.0.1:0").start().await.unwrap_err().message(), message);
    }
}

/// A server with room for one connection, whose clients get events.
async fn serve_one(bytes_per_second: usize) -> Running {
    let build = |app: &mut App| {
        app.service("big", Big).publish(|_event, app| app.channel("everybody"));
        app.on_connect(|connection, app| app.channel("everybody").join(connection));
    };
    let realtime = Realtime::new().batch_bytes(64 * MIB);
    serve_with(build, |server| {
        let server = server.without_defaults().transport(Rest::new()).transport(realtime);
        server.max_connections(1).min_rate(bytes_per_second, Duration::from_secs(1))
    })
    .await
}

/// Opens a connection for this, reads a little of it again and again, and tells whether it is closed in this
/// time.
async fn is_ended(server: &Running, path: &str, time: Duration) -> bool {
    let notes = server.handle().service("big").unwrap();
    let text = json!("x".repeat(MIB / 2));
    let mut slow = send_from(server, 1, &ask(path)).await;
    assert_eq!(status(&mut slow).await, 200);
    if path.contains("sse") {
        while server.handle().connections() == 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..40 {
            notes.emit("ticked", text.clone());
        }
    }
    let reading = async {
        let mut piece = [0; 64];
        while slow.read(&mut piece).await.is_ok_and(|length| length > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let place = async {
        loop {
            let mut other = TcpStream::connect(server.addr()).await.unwrap();
            other.write_all(&ask("/nosuch")).await.unwrap();
            let mut line = [0; 12];
            if other.read_exact(&mut line).await.is_ok() && line.ends_with(b"404") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = reading => false,
        () = place => true,
        () = tokio::time::sleep(time) => false,
    }
}

#[tokio::test]
async fn an_answer_that_is_read_too_slowly_ends_with_its_connection() {
    assert!(is_ended(&serve_one(1_000_000).await, "/big/40", PATIENCE).await);
}

#[tokio::test]
async fn a_poll_that_is_read_too_slowly_ends_with_its_connection() {
    let server = serve_one(1_000_000).await;
    let notes = server.handle().service("big").unwrap();
    for _ in 0..40 {
        notes.emit("ticked", json!("x".repeat(MIB / 2)));
    }
    let epoch = server.handle().log().head().to_string();
    let since = format!("{}-0", epoch.split_once('-').unwrap().0);
    assert!(is_ended(&server, &format!("/realtime?transport=poll&wait=0&limit=1000&since={since}"), PATIENCE).await);
}

#[tokio::test]
async fn a_stream_may_be_read_slowly_and_so_may_all_without_a_rate() {
    let some = Duration::from_secs(3);
    let (stream, answer) = (serve_one(1_000_000).await, serve_one(0).await);
    let ended = tokio::join!(is_ended(&stream, "/realtime?transport=sse", some), is_ended(&answer, "/big/40", some));
    assert_eq!(ended, (false, false));
}
