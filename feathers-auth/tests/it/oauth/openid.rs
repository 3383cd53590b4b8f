//! OpenID Connect: which provider has signed an `id_token`, and for which app.

use serde_json::{Value, json};

use super::provider::Sign;
use super::site::Site;

#[tokio::test]
async fn the_claims_are_the_profile() {
    let site = Site::new().await;
    let ended = site.login("/oauth/oidc").await;
    assert_eq!(site.owner(&ended.token()).await["oidcId"], "ada-1");
    assert_eq!(site.provider.seen(), ["/token", "/jwks"]);
    site.login("/oauth/oidc").await.token();
    assert_eq!(site.provider.seen(), ["/token", "/jwks", "/token"], "the keys are kept");
    assert_eq!(site.users().await.len(), 1);
}

#[tokio::test]
async fn rs256_is_the_algorithm_by_default() {
    let site = Site::with(|config| config.oauth.providers.get_mut("oidc").unwrap().algorithm = None).await;
    site.login("/oauth/oidc").await.assert_failed("OpenID%20Connect%20invalid%20id_token");
    site.provider.set(|state| state.sign = Sign::Rsa);
    assert_eq!(site.owner(&site.login("/oauth/oidc").await.token()).await["oidcId"], "ada-1");
}

#[tokio::test]
async fn nobody_else_signs() {
    let site = Site::new().await;
    for (sign, header) in [
        (Sign::Nothing, json!({})),
        (Sign::Nothing, json!({ "alg": "ES256" })),
        (Sign::Forged, json!({})),
        (Sign::Secret, json!({})),
        (Sign::Secret, json!({ "kid": "secret" })),
        (Sign::Secret, json!({ "alg": "ES256" })),
        (Sign::Rsa, json!({})),
        (Sign::Rsa, json!({ "alg": "ES256" })),
        (Sign::Ec, json!({ "kid": "nobody" })),
        (Sign::Ec, json!({ "crit": ["exp"] })),
    ] {
        site.provider.set(|state| (state.sign, state.header) = (sign, header.clone()));
        let ended = site.login("/oauth/oidc").await;
        assert!(
            ended.location.ends_with("#error=OpenID%20Connect%20invalid%20id_token"),
            "{sign:?} {header}: {ended:?}"
        );
    }
    assert!(site.users().await.is_empty());
}

#[tokio::test]
async fn another_algorithm_is_refused_before_any_key_is_looked_at() {
    let site = Site::new().await;
    for sign in [Sign::Nothing, Sign::Secret, Sign::Rsa] {
        site.provider.set(|state| (state.sign, state.seen) = (sign, Vec::new()));
        site.login("/oauth/oidc").await.assert_failed("OpenID%20Connect%20invalid%20id_token");
        assert_eq!(site.provider.seen(), ["/token"], "{sign:?}");
    }
}

#[tokio::test]
async fn the_token_is_for_this_login() {
    let site = Site::new().await;
    let (bad, audience, nonce) = ("invalid%20id_token", "invalid%20id_token%20audience", "nonce%20mismatch");
    for (claims, message) in [
        (json!({ "iss": "https://evil.example" }), bad),
        (json!({ "iss": Value::Null }), bad),
        (json!({ "aud": "another-app" }), bad),
        (json!({ "aud": ["another-app"] }), bad),
        (json!({ "aud": ["the-app", "another-app"] }), audience),
        (json!({ "aud": ["the-app", "another-app"], "azp": "another-app" }), audience),
        (json!({ "azp": "another-app" }), audience),
        (json!({ "exp": 1_000 }), bad),
        (json!({ "exp": Value::Null }), bad),
        (json!({ "nbf": 99_999_999_999_u64 }), bad),
        (json!({ "sub": Value::Null }), bad),
        (json!({ "nonce": "another" }), nonce),
        (json!({ "nonce": Value::Null }), nonce),
        (json!({ "nonce": "" }), nonce),
    ] {
        site.provider.set(|state| state.claims = claims.clone());
        let ended = site.login("/oauth/oidc").await;
        let expected = format!("http://localhost:3000#error=OpenID%20Connect%20{message}");
        assert_eq!(ended.location, expected, "{claims}");
    }
    assert!(site.users().await.is_empty());
    site.provider.set(|state| state.claims = json!({ "aud": ["the-app", "another-app"], "azp": "the-app" }));
    site.login("/oauth/oidc").await.token();
}

#[tokio::test]
async fn the_answer_of_another_provider_is_refused() {
    let site = Site::new().await;
    for (issuer, good) in [("https://evil.example", false), (site.provider.url.as_str(), true)] {
        let begun = site.begin("/oauth/oidc").await;
        let mut back = site.provider.authorize(&begun.location);
        back.query_pairs_mut().append_pair("iss", issuer);
        let ended = site.back(&back, &begun.cookie()).await;
        assert_eq!(ended.location.contains("access_token="), good, "{ended:?}");
    }
}

#[tokio::test]
async fn the_profile_page_is_that_of_the_same_person() {
    let site = Site::with(|config| {
        let profile = config.oauth.providers["fake"].profile_url.clone();
        config.oauth.providers.get_mut("oidc").unwrap().profile_url = profile;
    })
    .await;
    site.login("/oauth/oidc").await.assert_failed("The%20profile%20belongs%20to%20another%20user");
    site.provider.set(|state| state.profile = json!({ "sub": "ada-1", "picture": "p" }));
    site.login("/oauth/oidc").await.token();
}
