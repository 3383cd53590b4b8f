//! Logins that are no logins: each is answered, and nothing is a 500.

use feathers::Result;
use feathers::prelude::*;
use feathers::session::Credentials;
use feathers_auth::{Auth, Identity, Strategy};
use serde_json::Value;

use crate::client::{Claim, Client, Way};
use crate::support::{World, config, jwt, local, world};

fn values() -> Vec<Value> {
    let (nul, many) = ("\0", "a".repeat(100_000));
    let deep = (0..50).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(0),
        json!(-1.5),
        json!(1e308),
        json!(true),
        json!({}),
        json!({ "$ne": null }),
        json!({ "$gt": "" }),
        json!([]),
        json!(["bob@example.com"]),
        json!(""),
        json!(" "),
        json!(nul),
        json!(format!("bob@example.com{nul}")),
        json!("\u{202e}\u{feff}\u{10ffff}"),
        json!(many),
        deep,
    ]
}

#[tokio::test]
async fn wrong_types_in_every_field_are_a_401() {
    let world = world().await;
    let mut socket = Client::listen(&world, Way::WebSocket, Claim::default()).await;
    let mut packets = Client::listen(&world, Way::SocketIo, Claim::default()).await;
    for (login, fields) in
        [(local("bob"), ["strategy", "email", "password"]), (jwt("x"), ["strategy", "accessToken", "x"])]
    {
        for field in fields {
            for value in values() {
                let mut login = login.clone();
                login[field] = value;
                let short: String = login.to_string().chars().take(200).collect();
                let answer = world.try_login(&login).await;
                assert_eq!(answer.status, 401, "{short}: {answer:?}");
                let error = answer.json();
                assert_eq!(socket.login(&login).await.unwrap_err(), error, "{short}");
                assert_eq!(packets.login(&login).await.unwrap_err(), error, "{short}");
            }
            let mut login = login.clone();
            login.as_object_mut().unwrap().shift_remove(field);
            assert_eq!(world.try_login(&login).await.status, 401, "without {field}");
        }
    }
    assert_eq!(world.login("bob").await.split('.').count(), 3);
}

#[tokio::test]
async fn data_that_is_no_login_is_refused_with_the_words_of_the_original() {
    let world = world().await;
    let message = "Invalid authentication information (no `strategy` set)";
    let batch = json!([local("bob"), local("ada")]);
    for data in [json!({}), json!([]), batch] {
        let answer = world.try_login(&data).await;
        assert_eq!((answer.status, answer.json()["message"].as_str()), (401, Some(message)), "{data}");
        for way in Way::SOCKETS {
            let mut client = Client::listen(&world, way, Claim::default()).await;
            assert_eq!(client.login(&data).await.unwrap_err()["message"], message, "{way:?} {data}");
        }
    }
    for (body, status) in [
        (r#"{"strategy":"local","email":"\ud800","password":"x"}"#.to_owned(), 400),
        (r#"{"strategy":"local""#.to_owned(), 400),
        ("null".to_owned(), 400),
        ("7".to_owned(), 400),
        (format!(r#"{{"strategy":"jwt","accessToken":"{}"}}"#, "a".repeat(10 << 20)), 413),
    ] {
        let answer = world.ask("POST", "/authentication", &[], &body).await;
        assert_eq!(answer.status, status, "{}: {answer:?}", body.get(..60).unwrap_or(&body));
    }
    for method in ["GET", "PUT", "PATCH"] {
        assert_eq!(world.ask(method, "/authentication", &[], "{}").await.status, 405, "{method}");
    }
}

/// A strategy with a mistake.
struct Broken;

#[async_trait]
impl Strategy for Broken {
    async fn authenticate(&self, credentials: &Credentials, _params: &Params, _auth: &Auth) -> Result<Identity> {
        match credentials.text("how") {
            Some("panic") => panic!("a mistake that tells a secret"),
            _ => Err(Error::internal("a mistake that tells a secret")),
        }
    }
}

#[tokio::test]
async fn a_panic_in_a_strategy_is_a_500_and_harms_nobody() {
    let mut app = App::new();
    app.service("users", Memory::<Document>::new());
    let auth = Authentication::new(config()).jwt().strategy("broken", Broken).install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    world.handle().service("users").unwrap().create(json!({ "id": 1 }), ()).await.unwrap();
    let token = world.auth.create_token(Some("1"), serde_json::Map::new()).unwrap();
    for how in ["panic", "error"] {
        let login = json!({ "strategy": "broken", "how": how });
        for way in Way::SOCKETS {
            let mut client = Client::listen(&world, way, Claim::default()).await;
            let error = client.login(&login).await.unwrap_err();
            assert_eq!((error["code"].as_u64(), error["message"].as_str()), (Some(500), Some("Internal server error")));
            client.login(&jwt(&token)).await.unwrap();
            let claim = Claim { auth: Some(login.clone()), ..Claim::default() };
            assert!(Client::try_listen(&world, way, claim).await.is_err(), "{way:?}");
        }
        let answer = world.try_login(&login).await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text.contains("secret"), "{answer:?}");
    }
    assert_eq!(world.try_login(&jwt(&token)).await.status, 201);
}
