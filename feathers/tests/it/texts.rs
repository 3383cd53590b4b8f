//! The form of texts: `lowercase` and `trim`, in data, queries and logins.

use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;

/// A user who logs in with an e-mail address.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    #[service(lowercase, trim, email)]
    email: String,
    #[service(trim, length(1..=8))]
    name: String,
    #[service(lowercase, default)]
    nick: Option<String>,
    #[service(hidden, default)]
    password: String,
    #[service(server, lowercase)]
    role: String,
}

async fn serve(sqlite: bool) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("users", database.store::<User>().await.unwrap().multi(true));
    } else {
        app.service("users", Memory::<User>::new().multi(true));
    }
    app.start().await.unwrap()
}

#[tokio::test]
async fn data_is_kept_in_its_form() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let users = client.service("users");
        let ann = |name: &str, nick: Value| json!({ "id": 1, "email": "ann@example.com", "name": name, "nick": nick, "role": "" });
        let data = json!({ "email": " ANN@Example.com\n", "name": " Ann ", "nick": " ANNI" });
        assert_eq!(users.create(data.clone()).await.unwrap(), ann("Ann", json!(" anni")));
        assert_eq!(users.update(1, data).await.unwrap(), ann("Ann", json!(" anni")));
        assert_eq!(
            users.patch(Some(1.into()), json!({ "name": "\tBob", "nick": null })).await.unwrap(),
            ann("Bob", Value::Null)
        );
        let two = json!([{ "email": "B@x.de", "name": "b" }, { "email": "C@x.de ", "name": "c " }]);
        let two = users.create(two).await.unwrap();
        assert_eq!(
            (&two[0]["email"], &two[1]["email"], &two[1]["name"]),
            (&json!("b@x.de"), &json!("c@x.de"), &json!("c"))
        );

        // The rules are for what is kept.
        assert_eq!(
            users.create(json!({ "email": "d@x.de", "name": "   12345678   " })).await.unwrap()["name"],
            "12345678"
        );
        for name in ["   ", "\u{a0}"] {
            let error = users.create(json!({ "email": "e@x.de", "name": name })).await.unwrap_err();
            assert_eq!((error.code(), &error.data().unwrap()[0]["instancePath"]), (400, &json!("/name")));
        }
        assert_eq!(users.patch(Some(1.into()), json!({ "email": 7 })).await.unwrap_err().code(), 400);
        // What only the server sets is no less so in another case.
        for role in ["ADMIN", "admin"] {
            let error = users.patch(Some(1.into()), json!({ "role": role })).await.unwrap_err();
            assert_eq!(error.data().unwrap()[0]["message"], "must NOT be set");
        }
    }
}

#[tokio::test]
async fn queries_compare_in_the_form_that_is_kept() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        client.service("users").create(json!({ "email": "Ann@x.de", "name": "Ann" })).await.unwrap();
        let found = async |query: Value| client.service("users").query(query).find().await.unwrap();
        for query in [
            json!({ "email": "ANN@X.de" }),
            json!({ "email": " ann@x.de " }),
            json!({ "email": { "$in": ["x", "ANN@x.de"] } }),
            json!({ "$or": [{ "email": "ANN@x.DE" }, { "name": "no" }] }),
            json!({ "email": { "$gte": "ANN@X.DE" } }),
            json!({ "name": " Ann" }),
        ] {
            assert_eq!(found(query.clone()).await.as_array().unwrap().len(), 1, "{query}");
        }
        for query in [json!({ "email": { "$ne": "ANN@x.de" } }), json!({ "name": "ANN" })] {
            assert_eq!(found(query.clone()).await, json!([]), "{query}");
        }
        let ann = client.service("users").query(json!({ "email": "ANN@x.de" })).get(1).await.unwrap();
        assert_eq!(ann["email"], "ann@x.de");
    }
}

#[cfg(feature = "auth")]
#[tokio::test]
async fn a_login_finds_the_name_that_is_kept() -> Result<()> {
    use feathers::auth::{Authentication, hash_password};

    let mut app = App::new();
    app.service("users", Memory::<User>::new()).before(["create"], hash_password("password"));
    let config =
        json!({ "secret": "a secret of more than 32 characters, for tests", "entity": "user", "service": "users" });
    let config = serde_json::from_value(config).unwrap();
    app.configure(Authentication::new(config).jwt().local("email"));
    let app = app.start().await?;
    app.service("users")?
        .create(json!({ "email": "ann@example.com", "name": "Ann", "password": "enchantress" }), ())
        .await?;
    for email in ["ann@example.com", "ANN@Example.com "] {
        let login = json!({ "strategy": "local", "email": email, "password": "enchantress" });
        let login = app.service("authentication")?.create(login, ()).await?;
        assert_eq!(login.value()?["user"]["email"], "ann@example.com");
    }
    Ok(())
}
