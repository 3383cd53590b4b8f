//! The start: from a page to the provider.

use std::collections::HashMap;

use feathers_core::{Call, Encoding, Method, Params, Payload, Provider};
use url::Url;

use super::provider::KEY;
use super::site::{PAGE, Site};

fn query(location: &str) -> HashMap<String, String> {
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_browser_is_sent_to_the_provider() {
    let site = Site::new().await;
    let begun = site.begin("/oauth/fake?redirect=/done").await;
    let asked = query(&begun.location);
    assert_eq!((asked["client_id"].as_str(), asked["response_type"].as_str()), (KEY, "code"));
    assert_eq!((asked["scope"].as_str(), asked["code_challenge_method"].as_str()), ("a b", "S256"));
    assert_eq!(asked["redirect_uri"], format!("{}/oauth/fake/callback", site.url()));
    assert!(asked["state"].len() >= 43 && asked["code_challenge"].len() == 43 && !asked.contains_key("nonce"));
    assert_eq!(begun.body["location"], begun.location);

    let [cookie] = &begun.cookies[..] else { panic!("{begun:?}") };
    assert!(cookie.starts_with("feathers.oauth="));
    assert!(cookie.ends_with("; Path=/oauth/fake/callback; Max-Age=600; HttpOnly; SameSite=Lax"), "{cookie}");
    for shown in [asked["state"].as_str(), "done", "localhost"] {
        assert!(!cookie.contains(shown), "the cookie shows {shown}");
    }
    let again = query(&site.begin("/oauth/fake").await.location);
    assert!(again["state"] != asked["state"] && again["code_challenge"] != asked["code_challenge"]);
}

#[tokio::test]
async fn open_id_connect_has_a_nonce() {
    let site = Site::new().await;
    let asked = query(&site.begin("/oauth/oidc").await.location);
    assert!(asked["nonce"].len() >= 43 && asked["scope"] == "openid" && asked["nonce"] != asked["state"]);
}

#[tokio::test]
async fn presets_need_a_key_and_a_secret_only() {
    let site = Site::with(|config| {
        let own = || feathers_auth::ProviderConfig::new("id", "secret");
        config.oauth.providers = [("github".to_owned(), own()), ("google".to_owned(), own())].into();
    })
    .await;
    let github = site.begin("/oauth/github").await.location;
    assert!(github.starts_with("https://github.com/login/oauth/authorize?"), "{github}");
    let google = site.begin("/oauth/google").await.location;
    assert!(google.starts_with("https://accounts.google.com/o/oauth2/v2/auth?"), "{google}");
    assert!(query(&google)["scope"] == "openid email profile" && query(&google).contains_key("nonce"));
}

#[tokio::test]
async fn the_cookie_is_secure_where_the_site_is() {
    let site = Site::with(|config| config.oauth.origin = Some("https://api.example".to_owned())).await;
    let begun = site.begin("/oauth/fake").await;
    assert_eq!(query(&begun.location)["redirect_uri"], "https://api.example/oauth/fake/callback");
    assert!(begun.cookies[0].ends_with("; SameSite=Lax; Secure"), "{begun:?}");

    let elsewhere = "https://proxy.example/api/oauth/fake/callback";
    let site = Site::with(|config| {
        config.oauth.providers.get_mut("fake").unwrap().redirect_uri = Some(elsewhere.to_owned());
    })
    .await;
    let begun = site.begin("/oauth/fake").await;
    assert_eq!(query(&begun.location)["redirect_uri"], elsewhere);
    assert!(begun.cookies[0].contains("; Path=/api/oauth/fake/callback; ") && begun.cookies[0].ends_with("; Secure"));
}

#[tokio::test]
async fn what_a_request_calls_the_server_is_not_believed() {
    let site = Site::new().await;
    for host in ["evil.example", "localhost.evil.example", "localhost@evil.example", "localhost/x", "localhost:80:80"] {
        let answer = site.get("/oauth/fake", &[("referer", PAGE), ("host", host)]).await;
        assert!(answer.status >= 400 && answer.location.is_empty(), "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn only_pages_of_known_origins_begin() {
    let site = Site::new().await;
    for (name, value, message) in [
        ("referer", "https://evil.example/", "Referer origin \"https://evil.example\" is not allowed."),
        (
            "referer",
            "https://app.example.evil.example",
            "Referer origin \"https://app.example.evil.example\" is not allowed.",
        ),
        ("referer", "http://app.example", "Referer origin \"http://app.example\" is not allowed."),
        ("referer", "https://app.example:8443", "Referer origin \"https://app.example:8443\" is not allowed."),
        ("origin", "https://evil.example", "Referer origin \"https://evil.example\" is not allowed."),
        ("referer", "about:blank", "Invalid referer. Expected an absolute URL."),
        ("referer", "rubbish", "Invalid referer. Expected an absolute URL."),
    ] {
        site.get("/oauth/fake", &[(name, value)]).await.assert_refused(401, message);
    }
    for value in ["https://app.example/a?b", "http://localhost:5173/", "HTTPS://APP.example:443/"] {
        assert_eq!(site.get("/oauth/fake", &[("referer", value)]).await.status, 303, "{value}");
    }
    assert_eq!(site.get("/oauth/fake", &[]).await.status, 303);
}

#[tokio::test]
async fn no_redirect_leads_away() {
    let site = Site::new().await;
    for path in [
        "@evil.example",
        "//evil.example",
        "%5C%5Cevil.example",
        "/%5Cevil.example",
        ".evil.example",
        ":8443",
        "https://evil.example",
        "/a%0D%0ASet-Cookie:%20x=1",
        "%09//evil.example",
        "javascript:alert(1)",
        "/%00",
        ":x@evil.example",
    ] {
        let answer = site.get(&format!("/oauth/fake?redirect={path}"), &[("referer", PAGE)]).await;
        answer.assert_refused(401, "Invalid redirect path.");
    }
    site.get("/oauth/fake?redirect[]=/a", &[("referer", PAGE)]).await.assert_refused(401, "Invalid redirect path.");
}

#[tokio::test]
async fn an_unknown_provider_is_an_error_of_the_page() {
    let site = Site::new().await;
    for path in ["/oauth/nobody", "/oauth/nobody/callback?code=1", "/oauth/jwt", "/oauth/local"] {
        let answer = site.get(path, &[]).await;
        let expected = "/?error=Grant%3A%20missing%20or%20misconfigured%20provider";
        assert_eq!((answer.status, answer.location.as_str()), (303, expected), "{path}");
    }
}

#[tokio::test]
async fn a_query_that_fits_no_cookie_is_refused() {
    let site = Site::new().await;
    let answer = site.get(&format!("/oauth/fake?more={}", "x".repeat(4_000)), &[("referer", PAGE)]).await;
    answer.assert_refused(400, "the query is too long");
}

#[tokio::test]
async fn sockets_have_no_part_in_it() {
    let site = Site::new().await;
    for path in ["oauth/fake", "oauth/fake/callback"] {
        let route = site.app().lookup(path, Encoding::Plain).unwrap().unwrap();
        let mut params = Params::new();
        params.provider = Some(Provider::SOCKETIO);
        let call = Call { route, method: Method::Find, id: None, data: Payload::NULL, params };
        let error = site.app().call(call).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, "a login through another site goes by HTTP"));
    }
}

#[tokio::test]
async fn starts_and_callbacks_count_against_the_limit() {
    let site = Site::with(|config| config.limits.address = 4).await;
    for _ in 0..2 {
        assert_eq!(site.get("/oauth/fake", &[("referer", PAGE)]).await.status, 303);
        assert_eq!(site.get("/oauth/fake/callback?code=1", &[]).await.status, 401);
    }
    assert_eq!(site.get("/oauth/fake", &[("referer", PAGE)]).await.status, 429);
    assert_eq!(site.get("/oauth/fake/callback?code=1", &[]).await.status, 429);
}
