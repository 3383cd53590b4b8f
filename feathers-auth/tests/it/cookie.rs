//! The cookie: a login over REST sets it, every transport takes it, and no page of another origin can use it.

use feathers_auth::{AuthConfig, Authentication, CookieConfig, authenticate, hash_password};
use feathers_core::{App, Document, Memory};
use feathers_transports::{Running, Server};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;

const LOGIN: &str = r#"{"strategy":"local","email":"ada@example.com","password":"enchantress"}"#;

async fn start(cookie: Option<CookieConfig>) -> Running {
    let mut config = AuthConfig::new("a secret for tests, of more than 32 bytes");
    (config.password.memory, config.password.iterations, config.cookie) = (64, 1, cookie);
    let mut app = App::new();
    app.service("users", Memory::<Document>::new()).before("create", hash_password("password"));
    app.service("notes", Memory::<Document>::new()).before("all", authenticate("jwt"));
    app.configure(Authentication::new(config).jwt().local("email"));
    let running = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();
    let ada = json!({ "email": "ada@example.com", "password": "enchantress" });
    running.handle().service("users").unwrap().create(ada, ()).await.unwrap();
    running
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

fn login(running: &Running) -> RequestBuilder {
    let request = Client::new().post(format!("{}/authentication", running.url()));
    request.header("content-type", "application/json").body(LOGIN)
}

fn set_cookie(response: &Response) -> Option<String> {
    response.headers().get("set-cookie").map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_login_sets_it_and_a_logout_takes_it_away() {
    let running = start(Some(CookieConfig::default())).await;
    let cookie = set_cookie(&send(login(&running)).await).unwrap();
    let (token, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure");
    assert!(token.starts_with("feathers-jwt=ey"), "{token}");

    let notes = || Client::new().get(format!("{}/notes", running.url())).header("cookie", format!("a=b; {token}"));
    assert_eq!(send(notes()).await.status(), 200);
    for path in ["realtime?transport=sse", "realtime?wait=0", "socket.io/?EIO=4&transport=polling"] {
        let ask = |origin: &str| {
            let request = Client::new().get(format!("{}/{path}", running.url()));
            request.header("cookie", token).header("origin", origin.to_owned())
        };
        assert_eq!(send(ask(&running.url())).await.status(), 200, "{path}");
        assert_eq!(send(ask("http://evil")).await.status(), 403, "{path}");
    }
    assert_eq!(send(notes().header("origin", "http://evil")).await.status(), 403);

    let logout = Client::new().delete(format!("{}/authentication", running.url())).header("cookie", token);
    let logout = send(logout).await;
    assert_eq!(
        (logout.status().as_u16(), set_cookie(&logout).as_deref()),
        (200, Some("feathers-jwt=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"))
    );
}

#[tokio::test]
async fn a_stream_is_logged_in_by_it_and_refused_with_a_bad_one() {
    let running = start(Some(CookieConfig::default())).await;
    let cookie = set_cookie(&send(login(&running)).await).unwrap();
    let token = cookie.split(';').next().unwrap();
    let open = |cookie: &str| {
        Client::new().get(format!("{}/realtime?wait=0", running.url())).header("cookie", cookie.to_owned())
    };
    let conn: serde_json::Value = send(open(token)).await.json().await.unwrap();
    let conn = conn["connectionToken"].as_str().unwrap().to_owned();
    // A call of that session needs the cookie too.
    let notes = || Client::new().get(format!("{}/notes", running.url())).header("x-connection-token", &conn);
    assert_eq!(send(notes()).await.status(), 401);
    assert_eq!(send(notes().header("cookie", token)).await.status(), 200);
    assert_eq!(send(open("feathers-jwt=nonsense")).await.status(), 401);
}

#[tokio::test]
async fn it_is_neither_set_nor_taken_where_it_is_off() {
    let running = start(None).await;
    let response = send(login(&running)).await;
    assert_eq!(set_cookie(&response), None);
    let token = response.json::<serde_json::Value>().await.unwrap()["accessToken"].as_str().unwrap().to_owned();
    let notes = Client::new().get(format!("{}/notes", running.url()));
    assert_eq!(send(notes.header("cookie", format!("feathers-jwt={token}"))).await.status(), 401);
}

/// Sends a login as a form of a page, and returns the status and whether a cookie was set.
async fn form(running: &Running, headers: &[(&str, &str)], kind: &str) -> (u16, bool) {
    let body = if kind.starts_with("application/json") {
        LOGIN
    } else {
        "strategy=local&email=ada%40example.com&password=enchantress"
    };
    let mut request = Client::new().post(format!("{}/authentication", running.url()));
    request = request.header("content-type", kind).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = send(request).await;
    (response.status().as_u16(), set_cookie(&response).is_some())
}

#[tokio::test]
async fn a_form_of_another_site_logs_nobody_in() {
    let running = start(Some(CookieConfig::default())).await;
    let own = running.url();
    let (form_kind, evil) = ("application/x-www-form-urlencoded", ("origin", "http://evil.example"));
    let cookie = ("cookie", "a=b");
    for (headers, kind, expected) in [
        (&[evil][..], form_kind, (403, false)),
        (&[evil, cookie], form_kind, (403, false)),
        (&[("origin", "null")], form_kind, (403, false)),
        (&[("sec-fetch-site", "cross-site")], form_kind, (403, false)),
        (&[("sec-fetch-site", "same-site")], form_kind, (403, false)),
        (&[("origin", &own)], form_kind, (201, true)),
        (&[("origin", "null"), ("sec-fetch-site", "same-origin")], form_kind, (201, true)),
        (&[], form_kind, (201, true)),
        (&[cookie], form_kind, (201, true)),
        // It has to ask for leave first, and what it gets is a token and no cookie.
        (&[evil], "application/json", (201, false)),
        (&[("sec-fetch-site", "cross-site")], "application/json; charset=utf-8", (201, false)),
    ] {
        assert_eq!(form(&running, headers, kind).await, expected, "{headers:?} {kind}");
    }
    // What REST does not read may be refused for that.
    for kind in ["multipart/form-data; boundary=x", "text/plain", ""] {
        let (status, cookie) = form(&running, &[evil], kind).await;
        assert!([403, 415].contains(&status) && !cookie, "{kind}: {status}");
    }
    // Where no cookie is set there is nothing to refuse.
    let running = start(None).await;
    assert_eq!(form(&running, &[evil], form_kind).await, (201, false));
}
