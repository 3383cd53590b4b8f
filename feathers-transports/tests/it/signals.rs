//! SIGTERM ends `listen()` in good order, which is exit code 0 for a program that returns its result.

use feathers_core::{App, Document, Memory};
use feathers_transports::Listen;
use tokio::net::TcpListener;
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_listening_without_an_error() {
    let mut app = App::new();
    app.service("todos", Memory::<Document>::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let listening = tokio::spawn(app.serve(listener));
    let response = reqwest::get(format!("http://{address}/todos")).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "[]");
    let sent = Command::new("kill").args(["-TERM", &std::process::id().to_string()]).status().await.unwrap();
    assert!(sent.success());
    listening.await.unwrap().unwrap();
    assert!(reqwest::get(format!("http://{address}/todos")).await.is_err());
}
