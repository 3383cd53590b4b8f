//! What caches may keep: no answer that is for one caller.

use feathers_core::{Context, Document, Memory, Result};
use feathers_transports::Server;

use crate::realtime_support::{app, ask};

/// The headers with credentials.
const VARY: &str = "authorization, cookie, x-connection-token, x-api-key, x-own";

/// Says itself how long the answer may be kept.
async fn cached(ctx: &mut Context) -> Result<()> {
    ctx.http.header("cache-control", "public, max-age=60")?;
    ctx.http.header("vary", "accept-language")
}

#[tokio::test]
async fn s31_no_cache_keeps_an_answer_for_one_caller() {
    let mut app = app();
    app.secret_header(http::HeaderName::from_static("x-own"));
    app.service("cached", Memory::<Document>::new()).after("all", cached);
    let folder = std::env::temp_dir().join(format!("feathers-personal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("page.html"), "<p>hello</p>").unwrap();
    let server = Server::new(app).public(&folder).bind("127.0.0.1:0").start().await.unwrap();
    let own = Some("private, no-store");
    for (credentials, personal) in [
        (("accept", "*/*"), false),
        (("authorization", "Bearer x"), true),
        (("cookie", "session=1"), true),
        (("x-connection-token", "x"), true),
        (("x-api-key", "x"), true),
        (("x-own", "x"), true),
        (("proxy-authorization", "x"), true),
    ] {
        // Whatever the answer is: a list, a missing record, a new record, a refusal.
        for (method, path) in
            [("GET", "/notes"), ("GET", "/notes/1"), ("HEAD", "/notes"), ("POST", "/notes"), ("PUT", "/notes")]
        {
            let answer = ask(&server, method, path, &[credentials]).await;
            let name = format!("{method} {path} with {credentials:?}");
            assert_eq!(answer.header("cache-control"), own.filter(|_| personal), "{name}");
            assert_eq!(answer.header("vary"), Some(VARY).filter(|_| personal), "{name}");
        }
        let answer = ask(&server, "GET", "/cached", &[credentials]).await;
        assert_eq!(answer.header("cache-control"), Some("public, max-age=60"), "{credentials:?}");
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        let expected = if personal { &["accept-language", VARY][..] } else { &["accept-language"] };
        assert_eq!(vary, expected, "{credentials:?}");
        // Answers that are the same for all callers stay so.
        for (method, path) in [("OPTIONS", "/notes"), ("GET", "/page.html"), ("GET", "/nope")] {
            let answer = ask(&server, method, path, &[credentials]).await;
            assert_eq!((answer.header("cache-control"), answer.header("vary")), (None, None), "{method} {path}");
        }
    }
    // A poll always says so, since its answer has the secret of a session.
    let poll = ask(&server, "GET", "/realtime?wait=0", &[]).await;
    assert_eq!(poll.header("cache-control"), Some("no-store, private"));
    std::fs::remove_dir_all(&folder).unwrap();
}
