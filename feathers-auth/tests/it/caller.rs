//! The caller as an argument of service methods: the user who is logged in, and a 401 without one.

use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;

use crate::support::{PASSWORD, User, config};

/// What this service needs of a user.
#[derive(Clone, Debug, Deserialize)]
struct Known {
    email: String,
    password: String,
}

struct Me;

#[service]
impl Me {
    async fn find(&self, caller: Caller<Known>) -> Result<String> {
        // The record is whole: also what never leaves the server is there.
        assert!(!caller.password.is_empty());
        Ok(caller.0.email)
    }

    #[method]
    async fn known(&self, caller: Option<Caller<Known>>) -> Result<bool> {
        Ok(caller.is_some())
    }
}

#[tokio::test]
async fn a_method_takes_the_user_who_is_logged_in_and_is_a_401_without_one() {
    let mut app = App::new();
    app.service("users", Memory::<User>::new()).before("create", hash_password("password"));
    app.service("me", Me);
    app.configure(Authentication::new(config()).jwt().local("email"));
    let app = app.start().await.unwrap();
    let account = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.service("users").unwrap().create(account.clone(), ()).await.unwrap();

    let client = Client::connect(&app).await;
    let me = async || client.service("me").find().await.map_err(|error| error.code());
    let known = async || client.service("me").call("known", Value::Null).await.unwrap();
    assert_eq!((me().await, known().await), (Err(401), json!(false)));

    let mut login = account;
    login["strategy"] = json!("local");
    client.service("authentication").create(login).await.unwrap();
    assert_eq!((me().await, known().await), (Ok(json!("ada@example.com")), json!(true)));

    client.service("authentication").remove(None).await.unwrap();
    assert_eq!((me().await, known().await), (Err(401), json!(false)));
}
