//! Forged, broken and malformed tokens: each is refused, with the message of FeathersJS.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feathers::prelude::*;
use feathers::session::Credentials;
use feathers_auth::{Auth, KeyConfig};
use jsonwebtoken::{Algorithm, EncodingKey};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::keys::{self, Pair};
use crate::support::{PASSWORD, SECRET, app, config, email};

pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"access"}"#;

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The claims of a valid token, with changes; `null` takes one away.
pub(crate) fn claims(changes: &Value) -> String {
    let mut claims = json!({
        "iat": now(), "exp": now() + 3_600, "aud": "https://yourdomain.com", "iss": "feathers",
        "sub": "1", "jti": "one",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims.to_string()
}

fn signed(header: &str, claims: &str, algorithm: Algorithm, key: &EncodingKey) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

pub(crate) fn with_secret(header: &str, claims: &str, secret: &str) -> String {
    signed(header, claims, Algorithm::HS256, &EncodingKey::from_secret(secret.as_bytes()))
}

/// Starts an app without a server, in which there is ada.
pub(crate) async fn start(change: impl FnOnce(&mut AuthConfig)) -> (AppHandle, Auth) {
    let mut config = config();
    change(&mut config);
    let (app, auth) = app(config, |_| {});
    let app = app.start().await.unwrap();
    let ada = json!({ "email": email("ada"), "password": PASSWORD });
    app.service("users").unwrap().create(ada, ()).await.unwrap();
    (app, auth)
}

/// Logs in with a token; the error is its message and its data.
pub(crate) async fn verify(auth: &Auth, token: &str) -> Result<(), (String, Value)> {
    let credentials = Credentials::of("jwt", "accessToken", token);
    match auth.authenticate(&credentials, &Params::new(), &["jwt"]).await {
        Ok(login) => {
            assert_eq!(login.entity().unwrap().value().unwrap()["email"], email("ada"));
            Ok(())
        }
        Err(error) => {
            assert_eq!(error.code(), 401, "{token}: {error:?}");
            Err((error.message().to_owned(), error.data().cloned().unwrap_or_default()))
        }
    }
}

#[track_caller]
fn assert_refused(outcome: Result<(), (String, Value)>, expected: &str, name: &str) {
    let (message, data) = outcome.expect_err(name);
    assert_eq!(message, expected, "{name}");
    assert_eq!(data["name"], "JsonWebTokenError", "{name}");
}

#[tokio::test]
async fn s3_a_token_of_ours_is_accepted() {
    let (_app, auth) = start(|_| {}).await;
    let many = json!({ "aud": ["https://other.example", "https://yourdomain.com"], "nbf": now() });
    for changes in [json!({}), many, json!({ "iss": "another" }), json!({ "jti": null })] {
        assert_eq!(verify(&auth, &with_secret(HEADER, &claims(&changes), SECRET)).await, Ok(()));
    }
    let made = auth.create_token(Some("1"), Map::new()).unwrap();
    assert_eq!(verify(&auth, &made).await, Ok(()));
}

#[tokio::test]
async fn s3_alg_none_is_refused() {
    let (_app, auth) = start(|_| {}).await;
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": alg, "typ": "access" }).to_string();
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(claims(&json!({}))));
        assert_refused(verify(&auth, &format!("{message}.")).await, "invalid token", alg);
        assert_refused(verify(&auth, &with_secret(&header, &claims(&json!({})), SECRET)).await, "invalid token", alg);
    }
}

#[tokio::test]
async fn s3_what_the_header_says_of_keys_chooses_none() {
    let (_app, auth) = start(|_| {}).await;
    let jwk = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode("mine"), "alg": "HS256" });
    for (fields, secret) in [
        (json!({ "kid": "../../../../dev/null" }), ""),
        (json!({ "kid": "/dev/null\0" }), ""),
        (json!({ "kid": "x' UNION SELECT 'mine' --" }), "mine"),
        (json!({ "jku": "https://evil.example/keys" }), "mine"),
        (json!({ "x5u": "https://evil.example/cert" }), "mine"),
        (json!({ "jwk": jwk }), "mine"),
        (json!({}), "another secret of 32 bytes, or more"),
    ] {
        let mut header = json!({ "alg": "HS256", "typ": "access" });
        header.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let token = with_secret(&header.to_string(), &claims(&json!({})), secret);
        assert_refused(verify(&auth, &token).await, "invalid signature", &header.to_string());
    }
}

#[tokio::test]
async fn s3_headers_that_are_not_ours_are_refused() {
    let (_app, auth) = start(|_| {}).await;
    for (header, expected) in [
        (r#"{"alg":"HS256","typ":"JWT"}"#, "invalid token"),
        (r#"{"alg":"HS256","typ":"refresh"}"#, "invalid token"),
        (r#"{"alg":"HS256"}"#, "invalid token"),
        (r#"{"alg":"HS256","typ":"access","crit":["exp"]}"#, "invalid token"),
        (r#"{"alg":"HS256","typ":"access","crit":[]}"#, "invalid token"),
        (r#"{"alg":"HS384","typ":"access"}"#, "invalid algorithm"),
        (r#"{"alg":"RS256","typ":"access"}"#, "invalid algorithm"),
        (r#"{"alg":"HS256","typ":"access","alg":"none"}"#, "invalid token"),
        (r#"{"typ":"access"}"#, "invalid token"),
        ("[]", "invalid token"),
        ("null", "invalid token"),
        ("", "invalid token"),
        ("\u{0}", "invalid token"),
    ] {
        let token = with_secret(header, &claims(&json!({})), SECRET);
        assert_refused(verify(&auth, &token).await, expected, header);
    }
}

#[tokio::test]
async fn s3_times_that_no_clock_shows_are_refused() {
    let (_app, auth) = start(|_| {}).await;
    let far = now() + 3_600;
    for (name, value) in [
        ("exp", "null".to_owned()),
        ("exp", format!("\"{far}\"")),
        ("exp", "-0.5".to_owned()),
        ("exp", "253402300799.5".to_owned()),
        ("exp", "1e308".to_owned()),
        ("exp", "-1".to_owned()),
        ("exp", "18446744073709551615".to_owned()),
        ("exp", "99999999999999999999999999".to_owned()),
        ("exp", "true".to_owned()),
        ("nbf", "\"1\"".to_owned()),
        ("nbf", "-1".to_owned()),
        ("nbf", "1e308".to_owned()),
        ("iat", format!("\"{far}\"")),
        ("iat", "null".to_owned()),
        ("iat", "-1.5".to_owned()),
    ] {
        let mut claims = claims(&json!({ name: null }));
        claims.insert_str(1, &format!("\"{name}\":{value},"));
        let token = with_secret(HEADER, &claims, SECRET);
        assert_refused(verify(&auth, &token).await, &format!("invalid {name} value"), &claims);
    }
    let token = with_secret(HEADER, &claims(&json!({ "exp": null })), SECRET);
    assert_refused(verify(&auth, &token).await, "invalid exp value", "no exp");
}

#[tokio::test]
async fn s3_a_token_is_good_from_and_until_a_time() {
    let (_app, auth) = start(|_| {}).await;
    let expired = with_secret(HEADER, &claims(&json!({ "exp": 951_782_400 })), SECRET);
    let data = json!({ "name": "TokenExpiredError", "expiredAt": "2000-02-29T00:00:00.000Z" });
    assert_eq!(verify(&auth, &expired).await, Err(("jwt expired".to_owned(), data)));
    let now_expired = with_secret(HEADER, &claims(&json!({ "exp": now() })), SECRET);
    assert_eq!(verify(&auth, &now_expired).await.unwrap_err().0, "jwt expired");
    let early = with_secret(HEADER, &claims(&json!({ "nbf": 4_107_542_399_u64 })), SECRET);
    let data = json!({ "name": "NotBeforeError", "date": "2100-02-28T23:59:59.000Z" });
    assert_eq!(verify(&auth, &early).await, Err(("jwt not active".to_owned(), data)));
}

#[tokio::test]
async fn s3_tokens_for_others_and_of_others_are_refused() {
    let (_app, auth) = start(|config| config.jwt.check_issuer = true).await;
    let audience = "jwt audience invalid. expected: https://yourdomain.com";
    let issuer = "jwt issuer invalid. expected: feathers";
    for (changes, expected) in [
        (json!({ "aud": "https://yourdomain.com.evil.example" }), audience),
        (json!({ "aud": "" }), audience),
        (json!({ "aud": null }), audience),
        (json!({ "aud": [] }), audience),
        (json!({ "aud": { "0": "https://yourdomain.com" } }), audience),
        (json!({ "aud": [["https://yourdomain.com"]] }), audience),
        (json!({ "iss": "evil" }), issuer),
        (json!({ "iss": null }), issuer),
        (json!({ "iss": ["feathers"] }), issuer),
    ] {
        let token = with_secret(HEADER, &claims(&changes), SECRET);
        assert_refused(verify(&auth, &token).await, expected, &changes.to_string());
    }
    assert_eq!(verify(&auth, &with_secret(HEADER, &claims(&json!({})), SECRET)).await, Ok(()));
}

#[tokio::test]
async fn s3_subjects_that_are_nobody_are_refused() {
    let (_app, auth) = start(|_| {}).await;
    for subject in [json!(null), json!(true)] {
        let token = with_secret(HEADER, &claims(&json!({ "sub": subject })), SECRET);
        let message = verify(&auth, &token).await.unwrap_err().0;
        assert_eq!(message, "jwt subject invalid. expected: the id of a user", "{subject}");
    }
    for subject in ["", "77", "1 OR 1=1", "1/../1", "\0", &"9".repeat(4_000)] {
        let token = with_secret(HEADER, &claims(&json!({ "sub": subject })), SECRET);
        let message = verify(&auth, &token).await.unwrap_err().0;
        assert_eq!(message, "the user of this token is not there any more", "{subject}");
    }
}

#[tokio::test]
async fn s3_a_claim_that_stands_twice_is_refused() {
    let (_app, auth) = start(|_| {}).await;
    for twice in
        [r#""sub":"1""#, r#""exp":1"#, r#""aud":"https://yourdomain.com""#, r#""su\u0062":"1""#, r#""a":1,"a":1"#]
    {
        let mut claims = claims(&json!({}));
        claims.insert_str(1, &format!("{twice},"));
        assert_refused(verify(&auth, &with_secret(HEADER, &claims, SECRET)).await, "invalid token", &claims);
    }
    for text in ["[]", "null", "1", "\"0\"", "{", ""] {
        assert_refused(verify(&auth, &with_secret(HEADER, text, SECRET)).await, "invalid token", text);
    }
}

#[tokio::test]
async fn s3_no_part_of_a_token_is_a_token() {
    let (_app, auth) = start(|_| {}).await;
    let token = auth.create_token(Some("1"), Map::new()).unwrap();
    for end in 0..token.len() {
        verify(&auth, &token[..end]).await.unwrap_err();
        verify(&auth, &token[end + 1..]).await.unwrap_err();
    }
    // The last character holds bits that mean nothing, and they must be zero.
    let last = token.chars().last().unwrap();
    for other in ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_', '=', ' ', '\n', '\0', 'é']) {
        if other != last {
            let changed = format!("{}{other}", &token[..token.len() - 1]);
            verify(&auth, &changed).await.expect_err(&changed);
        }
        verify(&auth, &format!("{token}{other}")).await.unwrap_err();
        verify(&auth, &format!("{other}{token}")).await.unwrap_err();
    }
}

#[tokio::test]
async fn s3_texts_that_are_no_tokens_are_malformed() {
    let (_app, auth) = start(|_| {}).await;
    let long = "a".repeat(1 << 20);
    let padded = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(HEADER), "a".repeat(8 << 10));
    for text in
        ["garbage", "a.b", "a.b.c.d", "...", "\0", " . . ", "\u{feff}..", &long, &format!("{long}.a.a"), &padded]
    {
        assert_refused(verify(&auth, text).await, "jwt malformed", text.get(..20).unwrap_or(text));
    }
    for text in ["..", ".a.", "e30.e30.e30"] {
        assert_refused(verify(&auth, text).await, "invalid token", text);
    }
    for claims in [json!({ "exp": [1] }), json!({ "sub": ["1"] }), json!({ "sub": { "$ne": "2" } })] {
        let token = with_secret(HEADER, &self::claims(&claims), SECRET);
        assert_refused(verify(&auth, &token).await, "invalid token", &token);
    }
    let invalid = URL_SAFE_NO_PAD.encode(b"{\"alg\":\"HS256\",\"typ\":\"acce\xff\"}");
    assert_refused(verify(&auth, &format!("{invalid}.e30.x")).await, "invalid token", "not UTF-8");
    assert_eq!(verify(&auth, "").await.unwrap_err().0, "No access token");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_nothing_random_is_a_token() {
    let (_app, auth) = start(|_| {}).await;
    let good = auth.create_token(Some("1"), Map::new()).unwrap();
    let parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    let part = move |at: usize| prop_oneof![Just(parts[at].clone()), "[A-Za-z0-9_-]{0,80}", "\\PC{0,20}"];
    let text = prop_oneof![
        "\\PC{0,200}",
        (part(0), part(1), part(2)).prop_map(|(header, claims, signature)| format!("{header}.{claims}.{signature}")),
    ];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2_000));
    let run = tokio::task::block_in_place(|| {
        runner.run(&text, |text| {
            let outcome = tokio::runtime::Handle::current().block_on(verify(&auth, &text));
            prop_assert_eq!(outcome.is_ok(), text == good);
            Ok(())
        })
    });
    run.unwrap();
}

fn with_keys(algorithm: &str, keys: Vec<KeyConfig>) -> impl FnOnce(&mut AuthConfig) {
    move |config| {
        algorithm.clone_into(&mut config.jwt.algorithm);
        (config.jwt.keys, config.secret) = (keys, None);
    }
}

#[tokio::test]
async fn s3_keys_are_rotated_by_their_names() {
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let (old, new) = (&keys::pair(algorithm), &keys::pair(algorithm));
        let pair = |kid: &str, pair: &Pair| KeyConfig::new(kid, Some((*pair.private).into()), &*pair.public);
        let (_app, auth) = start(with_keys(algorithm, vec![pair("old", old)])).await;
        let token = auth.create_token(Some("1"), Map::new()).unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({ "alg": algorithm, "typ": "access", "kid": "old" }));
        assert_eq!(verify(&auth, &token).await, Ok(()), "{algorithm}");

        let public = KeyConfig::new("old", None, &*old.public);
        let (_app, auth) = start(with_keys(algorithm, vec![pair("new", new), public])).await;
        assert_eq!(verify(&auth, &token).await, Ok(()), "{algorithm}: the old key is not taken");
        let newer = auth.create_token(Some("1"), Map::new()).unwrap();
        assert_eq!(verify(&auth, &newer).await, Ok(()), "{algorithm}");

        let (_app, auth) = start(with_keys(algorithm, vec![pair("new", new)])).await;
        assert_refused(verify(&auth, &token).await, "invalid token", "a key that has gone");
        assert_eq!(verify(&auth, &newer).await, Ok(()), "{algorithm}");

        // The name of another key does not make the token that key's.
        let (_app, auth) = start(with_keys(algorithm, vec![pair("old", new)])).await;
        assert_refused(verify(&auth, &token).await, "invalid signature", algorithm);
    }
}

#[tokio::test]
async fn s3_a_public_key_is_no_secret() {
    let pair = keys::pair("RS256");
    let (private, public) = (pair.private.as_str(), pair.public.as_str());
    let key = KeyConfig::new("new", Some(private.into()), public);
    let (_app, auth) = start(with_keys("RS256", vec![key])).await;
    let der = public.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    for secret in [public, public.trim(), &der, ""] {
        for header in [HEADER, r#"{"alg":"HS256","typ":"access","kid":"new"}"#] {
            let token = with_secret(header, &claims(&json!({})), secret);
            assert_refused(verify(&auth, &token).await, "invalid algorithm", header);
        }
        let token = with_secret(r#"{"alg":"RS256","typ":"access","kid":"new"}"#, &claims(&json!({})), secret);
        assert_refused(verify(&auth, &token).await, "invalid signature", "RS256");
    }
    let rsa = EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
    for (kid, expected) in [(json!("new"), None), (json!(null), None), (json!("../new"), Some("invalid token"))] {
        let mut header = json!({ "alg": "RS256", "typ": "access" });
        if !kid.is_null() {
            header["kid"] = kid;
        }
        let token = signed(&header.to_string(), &claims(&json!({})), Algorithm::RS256, &rsa);
        assert_eq!(verify(&auth, &token).await.err().map(|(message, _)| message).as_deref(), expected, "{header}");
    }
}

type Change = Box<dyn FnOnce(&mut AuthConfig)>;

#[tokio::test]
async fn s3_without_a_good_key_nothing_starts() {
    let how = "make one with `openssl rand -base64 32` and set it as FEATHERS_SECRET";
    let cases: [(Change, &str); 6] = [
        (Box::new(|config| config.secret = None), how),
        (Box::new(|config| config.secret = Some("".into())), how),
        (Box::new(|config| config.secret = Some("supersecret".into())), "`AuthConfig::secret` has 11 bytes"),
        (Box::new(|config| config.jwt.algorithm = "none".to_owned()), "not 'none'"),
        (Box::new(with_keys("RS256", Vec::new())), "RS256 needs `jwt.keys`"),
        (
            Box::new(with_keys("EdDSA", vec![KeyConfig::new("a", Some("garbage".into()), keys::pair("EdDSA").public)])),
            "the private key 'a' cannot be used",
        ),
    ];
    for (change, expected) in cases {
        let mut config = config();
        change(&mut config);
        let error = app(config, |_| {}).0.start().await.unwrap_err();
        assert!(error.message().contains(expected), "{error:?}");
        assert!(!format!("{error:?}").contains("supersecret") && !format!("{error:?}").contains("garbage"));
    }
}
