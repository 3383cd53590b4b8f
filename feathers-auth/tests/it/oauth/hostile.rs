//! Providers that misbehave: an app neither waits for them nor follows them, and reveals nothing internal.

use std::time::{Duration, Instant};

use serde_json::json;

use super::provider::Mood;
use super::site::Site;

#[tokio::test]
async fn a_provider_that_misbehaves_is_an_error_of_the_page() {
    let site = Site::with(|config| config.oauth.timeout = Duration::from_millis(700)).await;
    for (way, path) in
        [("/oauth/fake", "/token"), ("/oauth/fake", "/profile"), ("/oauth/oidc", "/token"), ("/oauth/oidc", "/jwks")]
    {
        for mood in [Mood::Slow, Mood::Huge, Mood::Broken, Mood::Elsewhere, Mood::Nonsense] {
            site.provider.set(|state| state.mood = [(path, mood)].into());
            let since = Instant::now();
            let ended = site.login(way).await;
            ended.assert_failed("The%20provider%20has%20not%20answered");
            assert!(since.elapsed() < Duration::from_secs(5), "{path} {mood:?}");
        }
    }
    assert!(!site.provider.seen().contains(&"/elsewhere".to_owned()), "a redirect was followed");
    assert!(site.users().await.is_empty());
    site.provider.set(|state| state.mood.clear());
    site.login("/oauth/fake").await.token();
    site.login("/oauth/oidc").await.token();
}

#[tokio::test]
async fn a_code_of_another_login_is_refused() {
    let site = Site::new().await;
    let (mine, theirs) = (site.begin("/oauth/fake").await, site.begin("/oauth/fake").await);
    let (back, other) = (site.provider.authorize(&mine.location), site.provider.authorize(&theirs.location));
    let code = |url: &url::Url| url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    // Only PKCE distinguishes them.
    let back = back.as_str().replace(&code(&back), &code(&other)).parse().unwrap();
    site.back(&back, &mine.cookie()).await.assert_failed("The%20provider%20has%20refused%20the%20code");
}

#[tokio::test]
async fn a_profile_needs_an_id_that_is_one() {
    let site = Site::new().await;
    for profile in [
        json!({}),
        json!({ "id": null }),
        json!({ "id": "" }),
        json!({ "id": 0 }),
        json!({ "id": true }),
        json!({ "id": { "$ne": 1 } }),
        json!({ "id": ["17"] }),
    ] {
        site.provider.set(|state| state.profile = profile.clone());
        let ended = site.login("/oauth/fake").await;
        ended.assert_failed("The%20provider%20has%20not%20said%20who%20it%20is");
    }
    assert!(site.users().await.is_empty());
}
