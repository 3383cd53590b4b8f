//! Settings: a mistake is an error at the start, with the name of the setting.

use feathers_auth::{AuthConfig, Authentication, OAuthConfig, ProviderConfig};
use feathers_core::{App, Document, Memory};
use serde_json::{Value, json};

async fn start(change: impl FnOnce(&mut AuthConfig)) -> String {
    let mut config = AuthConfig::new("a secret of 32 bytes or more, please");
    config.oauth.providers = [("github".to_owned(), ProviderConfig::new("id", "secret"))].into();
    change(&mut config);
    let mut app = App::new();
    app.service("users", Memory::<Document>::new());
    app.configure(Authentication::new(config).jwt().oauth());
    app.start().await.err().map(|error| error.message().to_owned()).unwrap_or_default()
}

async fn start_with(name: &str, section: Value) -> String {
    let section: ProviderConfig = serde_json::from_value(section).unwrap();
    start(|config| config.oauth.providers = [(name.to_owned(), section)].into()).await
}

#[tokio::test]
async fn the_provider_and_the_key_are_named() {
    assert_eq!(start(|_| {}).await, "");
    let url = "https://a.example";
    for (name, section, message) in [
        ("github", json!({ "secret": "s" }), "`oauth.github.key` is missing"),
        ("github", json!({ "key": "k" }), "`oauth.github.secret` is missing"),
        ("own", json!({ "key": "k", "secret": "s", "profile_url": url }), "`oauth.own.authorize_url` is missing"),
        (
            "own",
            json!({ "key": "k", "secret": "s", "profile_url": url, "authorize_url": url }),
            "`oauth.own.token_url` is missing",
        ),
        (
            "own",
            json!({ "key": "k", "secret": "s", "authorize_url": url, "token_url": url }),
            "`oauth.own.profile_url` is missing, and there is no `issuer` of an id_token either",
        ),
        ("own", json!({ "key": "k", "secret": "s", "issuer": url }), "`oauth.own.jwks_url` is missing"),
        ("own", json!({ "key": "k", "secret": "s", "jwks_url": url }), "`oauth.own.jwks_url` needs an `issuer`"),
        ("github", json!({ "key": "k", "secret": "s", "nonce": true }), "`oauth.github.nonce` needs an `issuer`"),
        (
            "google",
            json!({ "key": "k", "secret": "s", "algorithm": "HS256" }),
            "`oauth.google.algorithm` must be RS256 or ES256, not 'HS256'",
        ),
        (
            "google",
            json!({ "key": "k", "secret": "s", "scope": ["email"] }),
            "`oauth.google.scope` must hold `openid`, since there is an `issuer`",
        ),
        (
            "github",
            json!({ "key": "k", "secret": "s", "token_url": "http://a.example" }),
            "`oauth.github.token_url` must be a URL with https, not 'http://a.example'",
        ),
        ("jwt", json!({ "key": "k", "secret": "s" }), "`oauth.jwt` cannot be the name of a provider"),
        ("a/b", json!({ "key": "k", "secret": "s" }), "`oauth.a/b` cannot be the name of a provider"),
    ] {
        assert_eq!(start_with(name, section).await, format!("authentication: {message}"));
    }
}

#[tokio::test]
async fn what_all_have_in_common_is_checked_too() {
    let message = start(|config| config.oauth.origins = vec!["https://app.example/login".to_owned()]).await;
    assert!(message.contains("`oauth.origins` must be an origin"), "{message}");
    let message = start(|config| config.oauth.origin = Some("app.example".to_owned())).await;
    assert!(message.contains("`oauth.origin` must be an origin"), "{message}");
    let message = start(|config| config.oauth.redirect = Some("//evil.example".to_owned())).await;
    assert!(message.contains("`oauth.redirect` must be a URL or a path"), "{message}");
    let message = start(|config| {
        config.oauth.origins = vec!["https://app.example".to_owned()];
        config.oauth.redirect = Some("https://app.example/".to_owned());
    });
    assert!(message.await.contains("`oauth.redirect` must be a path"));
    let message = start(|config| config.entity = None).await;
    assert!(message.contains("`oauth` needs an `entity`"), "{message}");
    let message = start(|config| config.service = "people".to_owned()).await;
    assert!(message.contains("there is no service 'people'"), "{message}");
    let message = start(|config| config.oauth.timeout = std::time::Duration::ZERO).await;
    assert!(message.contains("`oauth.timeout`"), "{message}");
}

#[test]
fn the_section_is_read() {
    let read = |section: Value| serde_json::from_value::<OAuthConfig>(section).map_err(|error| error.to_string());
    let section = read(json!({
        "redirect": "/", "origins": ["https://a.example"], "origin": "https://b.example", "timeout": "3s",
        "github": { "key": "1", "secret": "2" }
    }))
    .unwrap();
    assert_eq!((section.timeout.as_secs(), section.providers["github"].key.as_str()), (3, "1"));
    assert!(!format!("{:?}", section.providers["github"]).contains('2'), "the secret is in the debug output");
    assert_eq!(read(json!({})).unwrap().timeout.as_secs(), 10);
    assert!(read(json!({ "redirct": "/" })).unwrap_err().contains("invalid type: string"));
    assert!(read(json!({ "github": { "kee": "1" } })).unwrap_err().contains("unknown field `kee`"));
}
