//! The lifecycle of the real programs: they announce their address, and end well when they get a signal.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use feathers_tests::client::{Frame, SocketClient};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// How long a program may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that runs, and is killed when the test ends.
struct Program {
    child: Child,
    url: String,
    lines: Lines<BufReader<ChildStdout>>,
    folder: PathBuf,
}

impl Program {
    /// Starts it in a folder of its own.
    async fn start(program: PathBuf) -> Self {
        let folder = std::env::temp_dir().join(format!("feathers-lifecycle-{}-{}", std::process::id(), unique()));
        std::fs::create_dir_all(&folder).unwrap();
        Self::start_in(folder, program).await
    }

    async fn start_in(folder: PathBuf, program: PathBuf) -> Self {
        let mut child = Command::new(program)
            .current_dir(&folder)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("DATABASE_URL", "sqlite:test.db")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().unwrap();
        let url = first.strip_prefix("listening on ").expect("the first line is the address").to_owned();
        Self { child, url, lines, folder }
    }

    /// Sends a signal to this program only.
    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
    }

    async fn exit_code(&mut self) -> Option<i32> {
        timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn peer() -> PathBuf {
    env!("CARGO_BIN_EXE_peer").into()
}

/// Returns the todo example, which cargo puts beside the peer but builds only on demand.
async fn todo() -> PathBuf {
    static BUILT: OnceCell<PathBuf> = OnceCell::const_new();
    let build = || async {
        let peer = peer();
        let profile: &[&str] = if peer.parent().unwrap().ends_with("release") { &["--release"] } else { &[] };
        let build = Command::new(env!("CARGO")).args(["build", "--quiet", "--package", "todo"]).args(profile).status();
        assert!(build.await.unwrap().success());
        peer.with_file_name("todo")
    };
    BUILT.get_or_init(build).await.clone()
}

#[tokio::test]
async fn the_first_lines_name_the_address_and_every_service() {
    let mut program = Program::start(todo().await).await;
    let line = timeout(PATIENCE, program.lines.next_line()).await.unwrap().unwrap().unwrap();
    for word in ["/todos", "find", "get", "create", "update", "patch", "remove", "rest", "socketio"] {
        assert!(line.contains(word), "{line:?} has no {word}");
    }
}

#[tokio::test]
async fn both_programs_end_well_on_both_signals() {
    for signal in ["TERM", "INT"] {
        for path in [peer(), todo().await] {
            let mut program = Program::start(path).await;
            program.signal(signal).await;
            assert_eq!(program.exit_code().await, Some(0), "on {signal}");
        }
    }
}

#[tokio::test]
async fn calls_under_way_finish_before_the_end() {
    let mut program = Program::start(peer()).await;
    let mut watcher = SocketClient::connect(&program.url).await;
    let rest = tokio::spawn(reqwest::get(format!("{}/slow/700", program.url)));
    let begun = watcher.event().await;
    assert_eq!(begun[0], "slow begun");
    let mut caller = SocketClient::connect(&program.url).await;
    let ack = caller.start(&json!(["get", "slow", 700])).await;
    assert_eq!(watcher.event().await[0], "slow begun");

    program.signal("TERM").await;
    let answer = rest.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({ "id": "700" }));
    let (frames, _) = caller.until_closed().await;
    assert!(frames.contains(&Frame::Ack(ack, vec![Value::Null, json!({ "id": 700 })])), "{frames:?}");
    assert_eq!(program.exit_code().await, Some(0));
}

#[tokio::test]
async fn sockets_are_told_in_a_way_after_which_clients_reconnect() {
    let mut program = Program::start(peer()).await;
    let client = SocketClient::connect(&program.url).await;
    program.signal("TERM").await;
    let (frames, _) = client.until_closed().await;
    // `41` is Socket.IO's own goodbye, after which the official client does not come back.
    assert!(!frames.contains(&Frame::Other("41".into())), "{frames:?}");
    assert_eq!(program.exit_code().await, Some(0));
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let mut first = Program::start(todo().await).await;
    let client = reqwest::Client::new();
    let created = client.post(format!("{}/todos", first.url)).json(&json!({ "text": "kept" })).send().await.unwrap();
    assert_eq!(created.status(), 201);
    first.signal("TERM").await;
    assert_eq!(first.exit_code().await, Some(0));
    assert!(!first.folder.join("test.db-wal").exists(), "the store was closed");

    let second = Program::start_in(first.folder.clone(), todo().await).await;
    let found: Value = reqwest::get(format!("{}/todos", second.url)).await.unwrap().json().await.unwrap();
    assert_eq!(found, json!([{ "id": 1, "text": "kept", "done": false }]));
}
