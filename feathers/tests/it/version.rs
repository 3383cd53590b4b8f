//! Versions: a change names the version that it is for, and another one is a 412.

use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;
use std::sync::Arc;

/// A page that several people write at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Page {
    #[service(id)]
    id: i64,
    #[service(version)]
    version: i64,
    text: String,
    #[service(hidden, default)]
    note: String,
}

async fn serve(sqlite: bool) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("pages", database.store::<Page>().await.unwrap().multi(true));
    } else {
        app.service("pages", Memory::<Page>::new().multi(true));
    }
    app.start().await.unwrap()
}

#[tokio::test]
async fn every_change_counts() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let pages = client.service("pages");
        let page = |version: i64, text: &str| json!({ "id": 1, "version": version, "text": text });
        assert_eq!(pages.create(json!({ "text": "a" })).await.unwrap(), page(1, "a"));
        assert_eq!(pages.patch(Some(1.into()), json!({ "text": "b" })).await.unwrap(), page(2, "b"));
        assert_eq!(pages.update(1, json!({ "text": "c" })).await.unwrap(), page(3, "c"));
        assert_eq!(pages.patch(None, json!({ "text": "d" })).await.unwrap(), json!([page(4, "d")]));
        assert_eq!(pages.patch(Some(1.into()), json!({})).await.unwrap(), page(5, "d"), "a change of nothing, too");
        let some = client.service("pages").query(json!({ "text": "d", "version": { "$gt": 4 } }));
        assert_eq!(some.patch(None, json!({ "text": "e" })).await.unwrap(), json!([page(6, "e")]));
        assert_eq!(pages.get(1).await.unwrap(), page(6, "e"));
    }
}

#[tokio::test]
async fn another_version_is_a_412_and_changes_nothing() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        client.service("pages").create(json!({ "text": "a" })).await.unwrap();
        client.service("pages").patch(Some(1.into()), json!({ "text": "b" })).await.unwrap();
        let code = |result: Result<Value>| result.unwrap_err().code();
        for versions in [json!(1), json!("1"), json!([1, 3]), json!([])] {
            let old = client.service("pages").query(json!({ "$version": versions }));
            assert_eq!(code(old.patch(Some(1.into()), json!({ "text": "x" })).await), 412);
            assert_eq!(code(old.update(1, json!({ "text": "x" })).await), 412);
            assert_eq!(code(old.remove(Some(1.into())).await), 412);
            let error = old.get(1).await.unwrap_err();
            assert_eq!(
                (error.code(), error.kind().name(), error.kind().class_name()),
                (412, "PreconditionFailed", "precondition-failed")
            );
            assert_eq!(code(old.patch(Some(2.into()), json!({ "text": "x" })).await), 404, "there is none");
        }
        let right = client.service("pages").query(json!({ "$version": "2" }));
        assert_eq!(right.get(1).await.unwrap()["text"], "b");
        assert_eq!(right.patch(Some(1.into()), json!({ "text": "c" })).await.unwrap()["version"], 3);
        let one_of = client.service("pages").query(json!({ "$version": [2, 3], "$select": ["text"] }));
        assert_eq!(one_of.update(1, json!({ "text": "d" })).await.unwrap(), json!({ "id": 1, "text": "d" }));

        // A condition that does not hold hides the record, whatever its version.
        let hidden = client.service("pages").query(json!({ "$version": 1, "text": "other" }));
        assert_eq!(code(hidden.patch(Some(1.into()), json!({ "text": "x" })).await), 404);
        let gone = client.service("pages").query(json!({ "$version": 4 })).remove(Some(1.into())).await.unwrap();
        assert_eq!(gone["text"], "d");
    }
}

#[tokio::test]
async fn what_is_no_version_is_a_400() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        client.service("pages").create(json!({ "text": "a" })).await.unwrap();
        for wrong in [json!("abc"), json!(1.5), json!(null), json!(true), json!({ "$gt": 1 }), json!([1, "x"])] {
            let error = client.service("pages").query(json!({ "$version": wrong })).get(1).await.unwrap_err();
            assert_eq!(
                (error.code(), &error.data().unwrap()[0]["instancePath"]),
                (400, &json!("/$version")),
                "{wrong}"
            );
        }
        let pages = client.service("pages").query(json!({ "$version": 1 }));
        for refused in [
            pages.find().await,
            pages.create(json!({ "text": "x" })).await,
            pages.patch(None, json!({ "text": "x" })).await,
            pages.remove(None).await,
        ] {
            let error = refused.unwrap_err();
            assert!(error.code() == 400 && error.message().contains("$version"), "{error:?}");
        }
        for (method, data) in [("create", json!({ "text": "x", "version": 7 })), ("patch", json!({ "version": 7 }))] {
            let pages = client.service("pages");
            let refused = match method {
                "create" => pages.create(data).await,
                _ => pages.patch(Some(1.into()), data).await,
            };
            let error = refused.unwrap_err();
            assert_eq!((error.code(), &error.data().unwrap()[0]["message"]), (400, &json!("must NOT be set")));
        }
        assert_eq!(client.service("pages").find().await.unwrap(), json!([{ "id": 1, "version": 1, "text": "a" }]));
    }
}

#[tokio::test]
async fn of_many_who_name_the_same_version_one_gets_through() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let pages = app.service("pages").unwrap();
        pages.create(json!({ "text": "a" }), ()).await.unwrap();
        let barrier = Arc::new(tokio::sync::Barrier::new(16));
        let writers: Vec<_> = (0..16)
            .map(|number| {
                let (pages, barrier) = (pages.clone(), barrier.clone());
                tokio::spawn(async move {
                    barrier.wait().await;
                    let patch = json!({ "text": format!("{number}") });
                    pages.patch(Some(1.into()), patch, json!({ "$version": 1 })).await.map(drop)
                })
            })
            .collect();
        let mut through = 0;
        for writer in writers {
            match writer.await.unwrap() {
                Ok(()) => through += 1,
                Err(error) => assert_eq!(error.code(), 412),
            }
        }
        assert_eq!(through, 1);
        assert_eq!(pages.get(1, ()).await.unwrap().value().unwrap()["version"], 2);
    }
}
