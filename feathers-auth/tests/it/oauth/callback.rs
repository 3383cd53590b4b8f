//! The callback: from the provider back to the page, with a token or an error.

use std::sync::{Arc, Mutex};

use feathers_auth::OAuth;
use feathers_core::{Context, hook};
use serde_json::{Value, json};

use super::site::{PAGE, Site};

const NO_SESSION: &str = "No valid oAuth response. You must initiate the oAuth flow from the authorize endpoint.";

#[tokio::test]
async fn a_login_ends_at_the_page_with_a_token() {
    let site = Site::new().await;
    let ended = site.login("/oauth/fake?redirect=/done").await;
    assert!(ended.location.starts_with("http://localhost:3000/done#access_token="), "{ended:?}");
    assert_eq!(ended.cookies, ["feathers.oauth=; Path=/oauth/fake/callback; Max-Age=0; HttpOnly; SameSite=Lax"]);
    let user = site.owner(&ended.token()).await;
    assert_eq!((&user["fakeId"], &user["name"]), (&json!(17), &Value::Null));
    assert_eq!(site.users().await.len(), 1);

    let claims = ended.token();
    let claims: Value = {
        use base64::Engine;
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        serde_json::from_slice(&engine.decode(claims.split('.').nth(1).unwrap()).unwrap()).unwrap()
    };
    assert!(claims["sub"].is_string() && claims["jti"].is_string(), "{claims}");
}

#[tokio::test]
async fn a_page_on_another_port_of_this_machine_is_where_it_ends() {
    let site = Site::new().await;
    let begun = site.get("/oauth/fake", &[("referer", "http://localhost:5173/x")]).await;
    let ended = site.back(&site.provider.authorize(&begun.location), &begun.cookie()).await;
    assert!(ended.location.starts_with("http://localhost:5173#access_token="), "{ended:?}");
}

#[tokio::test]
async fn a_redirect_with_a_hash_gets_a_question_mark() {
    let site = Site::with(|config| {
        config.oauth.origins.clear();
        config.oauth.redirect = Some("https://app.example/#/login".to_owned());
    })
    .await;
    let ended = site.login("/oauth/fake").await;
    assert!(ended.location.starts_with("https://app.example/#/login?access_token="), "{ended:?}");
}

#[tokio::test]
async fn answers_in_a_body_are_taken() {
    let site = Site::new().await;
    let begun = site.begin("/oauth/fake").await;
    let back = site.provider.authorize(&begun.location);
    let body: serde_json::Map<String, Value> =
        back.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    let ended = site.post(back.path(), &[("cookie", &begun.cookie())], &body.into()).await;
    assert_eq!(ended.owner_of(&site).await["fakeId"], 17);

    let begun = site.begin("/oauth/fake").await;
    let back = site.provider.authorize(&begun.location);
    let request = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let request = request.post(format!("{}{}", site.url(), back.path()));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let ended = site.send(request.body(back.query().unwrap().to_owned()), &[("cookie", &begun.cookie())]).await;
    assert_eq!(ended.owner_of(&site).await["fakeId"], 17);
}

impl super::site::Answer {
    async fn owner_of(&self, site: &Site) -> Value {
        site.owner(&self.token()).await
    }
}

#[tokio::test]
async fn a_callback_needs_a_session() {
    let site = Site::new().await;
    site.get("/oauth/fake/callback?code=1&state=2", &[]).await.assert_refused(401, NO_SESSION);
    let begun = site.begin("/oauth/fake").await;
    let back = site.provider.authorize(&begun.location);
    let cookie = begun.cookie();

    let other = back.as_str().replace("/fake/", "/oidc/");
    site.get(&other, &[("cookie", &cookie)]).await.assert_refused(401, NO_SESSION);
    for at in [20, cookie.len() / 2, cookie.len() - 2] {
        let mut tampered = cookie.clone().into_bytes();
        tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        site.back(&back, &tampered).await.assert_refused(401, NO_SESSION);
    }
    site.back(&back, "feathers.oauth=e30").await.assert_refused(401, NO_SESSION);
    assert!(site.provider.seen().is_empty());
    site.back(&back, &cookie).await.token();
}

#[tokio::test]
async fn a_callback_is_good_once() {
    let site = Site::new().await;
    let begun = site.begin("/oauth/fake").await;
    let back = site.provider.authorize(&begun.location);
    site.back(&back, &begun.cookie()).await.token();
    let asked = site.provider.seen().len();
    site.back(&back, &begun.cookie()).await.assert_refused(401, NO_SESSION);
    assert_eq!(site.provider.seen().len(), asked, "the provider is not asked again");
}

#[tokio::test]
async fn the_state_must_be_that_of_the_session() {
    let site = Site::new().await;
    for change in [|_: &str| String::new(), |state: &str| format!("{state}x"), |state: &str| state.replace(state, "a")]
    {
        let begun = site.begin("/oauth/fake").await;
        let back = site.provider.authorize(&begun.location);
        let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let back = back.as_str().replace(&state, &change(&state)).parse().unwrap();
        let ended = site.back(&back, &begun.cookie()).await;
        ended.assert_failed("Grant%3A%20OAuth2%20state%20mismatch");
        // There is no second try.
        site.back(&back, &begun.cookie()).await.assert_refused(401, NO_SESSION);
    }
    assert!(site.provider.seen().is_empty());
}

#[tokio::test]
async fn what_the_provider_refuses_the_page_is_told() {
    let site = Site::new().await;
    let begun = site.begin("/oauth/fake").await;
    let mut back = site.provider.authorize(&begun.location);
    let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let query = format!("error=access_denied&error_description=No,%20%0D%0Athanks%23&access_token=x&state={state}");
    back.set_query(Some(&query));
    site.back(&back, &begun.cookie()).await.assert_failed("No%2C%20thanks%23");

    let begun = site.begin("/oauth/fake").await;
    let mut back = site.provider.authorize(&begun.location);
    let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    back.set_query(Some(&format!("state={state}")));
    site.back(&back, &begun.cookie()).await.assert_failed("Grant%3A%20OAuth2%20missing%20code%20parameter");
}

#[tokio::test]
async fn nobody_but_the_callback_uses_the_strategy() {
    for listed in [None, Some(vec!["jwt".to_owned(), "fake".to_owned()])] {
        let site = Site::with(|config| config.auth_strategies = listed.clone()).await;
        let login = json!({ "strategy": "fake", "profile": { "id": 17 }, "access_token": "good" });
        let answer = site.post("/authentication", &[], &login).await;
        let message = "Invalid authentication information (strategy not allowed in authStrategies)";
        answer.assert_refused(401, message);
        let error = site.app().service("authentication").unwrap().create(login, ()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (401, message));
        assert!(site.users().await.is_empty());
    }
}

#[tokio::test]
async fn the_hooks_of_the_service_run() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let own = seen.clone();
    let note = hook::with_state(own, async |seen: &Arc<Mutex<Vec<Value>>>, ctx: &mut Context| {
        if ctx.path() == "authentication" {
            let connected = ctx.params.connection.is_some();
            let query = Value::Object(ctx.params.query.clone());
            seen.lock().unwrap().push(json!([ctx.data.value()?, query, connected, ctx.params.is_external()]));
        }
        Ok(())
    });
    let add = |app: &mut feathers_core::App| {
        app.before("create", note);
    };
    let site = Site::build(|_| {}, OAuth::new(), add).await;
    site.login("/oauth/fake?invite=abc&redirect=/done").await.token();
    let profile = json!({ "id": 17, "name": "Ada", "email": "ada@example.com" });
    let data = json!({ "strategy": "fake", "profile": profile, "access_token": "good" });
    assert_eq!(*seen.lock().unwrap(), [json!([data, { "invite": "abc" }, false, true])]);
}

#[tokio::test]
async fn the_cookie_of_the_token_is_set_too() {
    let site = Site::with(|config| config.cookie = Some(feathers_auth::CookieConfig::default())).await;
    let ended = site.login("/oauth/fake").await;
    assert!(ended.cookies.iter().any(|cookie| cookie.starts_with("feathers-jwt=ey")), "{ended:?}");
    assert!(ended.cookies.iter().any(|cookie| cookie.starts_with("feathers.oauth=; ")), "{ended:?}");
}

#[tokio::test]
async fn no_event_is_published() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let own = heard.clone();
    let site = Site::build(
        |_| {},
        OAuth::new(),
        |app| {
            app.publish(move |publication, app| {
                own.lock().unwrap().push(publication.path.to_string());
                app.channel("everyone")
            });
        },
    )
    .await;
    let begun = site.begin("/oauth/fake").await;
    let back = site.provider.authorize(&begun.location);
    let body: serde_json::Map<String, Value> =
        back.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    site.post(back.path(), &[("cookie", &begun.cookie()), ("referer", PAGE)], &body.into()).await.token();
    assert_eq!(*heard.lock().unwrap(), ["users"]);
}
