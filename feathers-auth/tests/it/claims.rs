//! Claims as others write them: times with a fraction, numbers as subjects, and tokens from before the process.

use feathers::prelude::*;
use feathers_auth::Auth;
use serde_json::Map;

use crate::client::{Claim, Client, End, Way};
use crate::support::{PASSWORD, SECRET, config, email};
use crate::tokens::{HEADER, claims, now, start, verify, with_secret};

/// Returns a token whose times are written as they are given.
fn with_times(times: &[(&str, String)]) -> String {
    let mut claims = claims(&json!({ "exp": null, "iat": null }));
    for (name, value) in times {
        claims.insert_str(1, &format!("\"{name}\":{value},"));
    }
    with_secret(HEADER, &claims, SECRET)
}

#[tokio::test]
async fn s3_times_may_have_a_fraction() {
    let (_app, auth) = start(|_| {}).await;
    let far = now() + 3_600;
    for exp in [format!("{far}.5"), format!("{far}.0"), "1e11".to_owned()] {
        let token = with_times(&[("exp", exp), ("iat", format!("{}.25", now())), ("nbf", "1.5".to_owned())]);
        assert_eq!(verify(&auth, &token).await, Ok(()));
    }
    let iat = || ("iat", now().to_string());
    let data = json!({ "name": "TokenExpiredError", "expiredAt": "2000-02-29T00:00:00.500Z" });
    let expired = with_times(&[("exp", "951782400.5".to_owned()), iat()]);
    assert_eq!(verify(&auth, &expired).await, Err(("jwt expired".to_owned(), data)));
    let data = json!({ "name": "NotBeforeError", "date": "2100-02-28T23:59:59.250Z" });
    let early = with_times(&[("exp", far.to_string()), ("nbf", "4107542399.25".to_owned()), iat()]);
    assert_eq!(verify(&auth, &early).await, Err(("jwt not active".to_owned(), data)));
    // A fraction makes no token younger than a revocation.
    let before = with_times(&[("exp", format!("{far}.5")), ("iat", format!("{}.999", now()))]);
    auth.revoke(1).await.unwrap();
    assert_eq!(verify(&auth, &before).await.unwrap_err().0, "jwt revoked");
}

#[tokio::test]
async fn s3_the_cookie_and_the_connection_know_times_with_a_fraction() {
    let world = crate::support::world().await;
    let soon = now() + 2;
    let token = with_times(&[("exp", format!("{soon}.5")), ("iat", now().to_string())]);
    let mut ada = Client::listen(&world, Way::WebSocket, Claim::token(&token)).await;
    assert_eq!(ada.closed().await.1, End::Code(4401));
    assert!((soon + 1..=soon + 3).contains(&now()), "{} is not {soon}.5", now());
}

#[tokio::test]
async fn s3_a_number_is_a_subject_as_in_the_original() {
    let (_app, auth) = start(|_| {}).await;
    for subject in ["1", "1.0", "1e0"] {
        let claims = claims(&json!({ "sub": null })).replacen('{', &format!("{{\"sub\":{subject},"), 1);
        let token = with_secret(HEADER, &claims, SECRET);
        assert_eq!(verify(&auth, &token).await, Ok(()), "{subject}");
    }
    for (subject, name) in [(json!(77), "77"), (json!(1.5), "1.5"), (json!(-1), "-1"), (json!(1e300), "1e300")] {
        let token = with_secret(HEADER, &claims(&json!({ "sub": subject })), SECRET);
        assert_eq!(
            verify(&auth, &token).await.unwrap_err().0,
            "the user of this token is not there any more",
            "{name}"
        );
    }
    // However it is written, it is revoked with its user.
    let tokens = [json!(1), json!(1.0), json!("1"), json!("01"), json!("+1")]
        .map(|subject| with_secret(HEADER, &claims(&json!({ "sub": subject, "iat": now() })), SECRET));
    auth.revoke(1).await.unwrap();
    for token in tokens {
        assert!(verify(&auth, &token).await.is_err(), "{token}");
    }
}

#[tokio::test]
async fn s3_tokens_from_before_the_process_are_nobodys_where_users_live_in_memory() {
    let (_app, auth) = start(|_| {}).await;
    for (iat, name) in [(json!(now() - 3_600), "an hour ago"), (json!(null), "at no time")] {
        let token = with_secret(HEADER, &claims(&json!({ "iat": iat })), SECRET);
        assert_eq!(verify(&auth, &token).await.unwrap_err().0, "jwt revoked", "{name}");
    }
    // Tokens of this process are valid, and can be revoked like any other.
    let token = auth.create_token(Some("1"), Map::new()).unwrap();
    assert_eq!(verify(&auth, &token).await, Ok(()));
    auth.revoke(1).await.unwrap();
    assert_eq!(verify(&auth, &token).await.unwrap_err().0, "jwt revoked");
    let token = auth.create_token(Some("1"), Map::new()).unwrap();
    assert_eq!(verify(&auth, &token).await, Ok(()));
    // A database in memory is gone as well.
    let volatile = Database::connect("sqlite::memory:").await.unwrap();
    let (_app, auth) = with_rows(&volatile).await;
    let token = with_secret(HEADER, &claims(&json!({ "iat": now() - 3_600 })), SECRET);
    assert_eq!(verify(&auth, &token).await.unwrap_err().0, "jwt revoked");
}

/// Starts an app with ada in a database.
async fn with_rows(db: &Database) -> (AppHandle, Auth) {
    let mut app = App::new();
    app.service("users", db.store::<crate::support::User>().await.unwrap());
    let auth = Authentication::new(config()).jwt().install(&mut app);
    let app = app.start().await.unwrap();
    let ada = json!({ "email": email("ada"), "password": PASSWORD });
    app.service("users").unwrap().create(ada, ()).await.unwrap();
    (app, auth)
}

#[tokio::test]
async fn s3_tokens_from_before_the_process_are_good_where_users_outlive_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::connect(&format!("sqlite:{}", folder.path().join("users.db").display())).await.unwrap();
    let (_app, auth) = with_rows(&db).await;
    for iat in [json!(now() - 3_600), json!(null)] {
        let token = with_secret(HEADER, &claims(&json!({ "iat": iat })), SECRET);
        assert_eq!(verify(&auth, &token).await, Ok(()));
    }
}
