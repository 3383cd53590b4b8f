//! Accounts: whose record a login finds, links or makes.

use feathers_auth::{Auth, OAuth};
use feathers_core::{Context, Error};
use serde_json::{Map, json};

use super::site::{PAGE, Site};

#[tokio::test]
async fn a_user_is_known_the_second_time() {
    let site = Site::new().await;
    let first = site.owner(&site.login("/oauth/fake").await.token()).await;
    let second = site.owner(&site.login("/oauth/fake").await.token()).await;
    assert_eq!(first["id"], second["id"]);
    site.provider.set(|state| state.profile["id"] = json!(18));
    let other = site.owner(&site.login("/oauth/fake").await.token()).await;
    assert_ne!(first["id"], other["id"]);
}

#[tokio::test]
async fn an_email_links_nothing() {
    let site = Site::new().await;
    let victim = json!({ "email": "ada@example.com", "password": "enchantress" });
    let victim = site.add_user(victim).await.unwrap();
    let owner = site.owner(&site.login("/oauth/fake").await.token()).await;
    assert_ne!(owner["id"].to_string().trim_matches('"'), victim);
    assert_eq!(site.users().await.len(), 2);
}

#[tokio::test]
async fn a_user_links_his_account() {
    let site = Site::new().await;
    let user = site.add_user(json!({ "email": "ada@example.com", "password": "enchantress" })).await.unwrap();
    let auth = site.app().get::<Auth>().unwrap();
    let token = auth.create_token(Some(&user), Map::new()).unwrap();
    let ended = site.login(&format!("/oauth/fake?feathers_token={token}")).await;
    let owner = site.owner(&ended.token()).await;
    assert_eq!((owner["id"].to_string().trim_matches('"'), &owner["fakeId"]), (&*user, &json!(17)));
    assert_eq!(site.users().await.len(), 1);
    // From then on the user logs in with it.
    let again = site.owner(&site.login("/oauth/fake").await.token()).await;
    assert_eq!(again["id"], owner["id"]);
}

#[tokio::test]
async fn a_token_that_is_not_good_links_nothing() {
    let site = Site::new().await;
    site.login("/oauth/fake?feathers_token=rubbish").await.assert_failed("jwt%20malformed");
    assert!(site.users().await.is_empty());
}

#[tokio::test]
async fn a_page_of_another_site_links_nothing() {
    let site = Site::with(|config| {
        config.oauth.origins.clear();
        config.oauth.redirect = Some("https://app.example".to_owned());
    })
    .await;
    let path = "/oauth/fake?feathers_token=abc";
    site.get(path, &[]).await.assert_refused(401, "A login with feathers_token needs a Referer.");
    let evil = site.get(path, &[("referer", "https://evil.example/")]).await;
    evil.assert_refused(401, "Referer origin \"https://evil.example\" is not allowed.");
    assert_eq!(site.get(path, &[("referer", "https://app.example/")]).await.status, 303);
    // Without a token there is nothing to link, and no origin is listed.
    assert_eq!(site.get("/oauth/fake", &[("referer", "https://evil.example/")]).await.status, 303);
    let listed = Site::new().await;
    listed.get(path, &[]).await.assert_refused(401, "A login with feathers_token needs a Referer.");
    assert_eq!(listed.get(path, &[("referer", PAGE)]).await.status, 303);
}

#[tokio::test]
async fn a_service_that_finds_any_user_lets_nobody_in() {
    let forget = |app: &mut feathers_core::App| {
        app.before("find", async |ctx: &mut Context| {
            ctx.params.query.clear();
            Ok(())
        });
    };
    // The hook is one of every service, so that the callback gets its answer by a body.
    let site = Site::build(|_| {}, OAuth::new(), forget).await;
    site.add_user(json!({ "email": "ada@example.com", "fakeId": 16 })).await.unwrap();
    let begun = site.begin("/oauth/fake").await;
    let back = site.provider.authorize(&begun.location);
    let body = back.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    let body = serde_json::Value::Object(body.collect());
    let ended = site.post(back.path(), &[("cookie", &begun.cookie())], &body).await;
    ended.assert_failed("Internal%20server%20error");
}

#[tokio::test]
async fn what_is_stored_is_up_to_the_app() {
    let oauth = OAuth::new().data(|profile, existing| {
        let first = existing.is_none();
        Ok(json!({ "name": profile.text("name"), "first": first, "fakeId": "mine", "by": profile.provider() }))
    });
    let site = Site::build(|_| {}, oauth, |_| {}).await;
    let owner = site.owner(&site.login("/oauth/fake").await.token()).await;
    assert_eq!((&owner["name"], &owner["first"], &owner["by"]), (&json!("Ada"), &json!(true), &json!("fake")));
    assert_eq!(owner["fakeId"], 17, "the id is always that of the provider");
    site.provider.set(|state| state.profile["name"] = json!("Ada L."));
    let owner = site.owner(&site.login("/oauth/fake").await.token()).await;
    assert_eq!((&owner["name"], &owner["first"]), (&json!("Ada L."), &json!(false)));

    let site = Site::build(|_| {}, OAuth::new().data(|_, _| Ok(json!("text"))), |_| {}).await;
    site.login("/oauth/fake").await.assert_failed("Internal%20server%20error");
    let oauth = OAuth::new().data(|_, _| Err(Error::forbidden("members only")));
    let site = Site::build(|_| {}, oauth, |_| {}).await;
    site.login("/oauth/fake").await.assert_failed("members%20only");
}
