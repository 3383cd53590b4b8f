//! No secret of a request is ever in the log, however much is logged.

use feathers_core::{App, Context, Document, Memory, Result};
use feathers_testing::CapturedLogs;
use feathers_transports::Server;

/// Logs what a careless hook may.
async fn careless(ctx: &mut Context) -> Result<()> {
    tracing::info!(headers = ?ctx.params.headers, "careless");
    Ok(())
}

async fn set_cookie(ctx: &mut Context) -> Result<()> {
    ctx.http.header("set-cookie", "session=SECRET-set-cookie")
}

async fn panics(_ctx: &mut Context) -> Result<()> {
    panic!("a bug")
}

#[tokio::test]
async fn secrets_are_never_logged() {
    let logs = CapturedLogs::of_this_thread();
    let mut app = App::new();
    app.secret_header(http::HeaderName::from_static("x-own"));
    app.service("todos", Memory::<Document>::new()).before("all", careless).after("all", set_cookie);
    app.service("broken", Memory::<Document>::new()).before("all", panics);
    let server = Server::new(app).bind("127.0.0.1:0").access_log(true).start().await.unwrap();

    let client = reqwest::Client::new();
    for path in ["todos", "broken", "nope", "todos/1", "realtime", "socket.io/"] {
        let response = client
            .post(format!("{}/{path}?access_token=SECRET-query", server.url()))
            .header("authorization", "Bearer SECRET-authorization")
            .header("proxy-authorization", "SECRET-proxy")
            .header("cookie", "session=SECRET-cookie")
            .header("x-api-key", "SECRET-api-key")
            .header("x-connection-token", "SECRET-connection-token")
            .header("x-own", "SECRET-own")
            .header("x-request-id", "request-of-the-test")
            .json(&serde_json::json!({ "password": "SECRET-body" }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.headers()["x-request-id"], "request-of-the-test");
        response.bytes().await.unwrap();
    }
    server.stop().await.unwrap();

    let log = logs.text();
    // What other libraries say about their own side of the connection is the client's log, not the server's.
    let of_server = log.lines().filter(|line| !line.contains("hyper_util::client") && !line.contains("reqwest"));
    let leaks: Vec<_> = of_server.filter(|line| line.contains("SECRET")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert!(log.contains("careless") && log.contains("\"authorization\""), "{log}");
    let line = log.lines().find(|line| line.contains("INFO") && line.contains("status=201")).unwrap();
    for part in ["request-of-the-test", "method=POST", "path=\"/todos\"", "duration="] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("status=500")), "{log}");
}
