//! Guessing: a client that tries too often waits, and no other client does.

use std::net::IpAddr;

use feathers::prelude::*;

use crate::client::{Claim, Client, Way};
use crate::support::{World, config, jwt, local};

async fn limited(account: u32, address: u32) -> World {
    let mut config = config();
    (config.limits.account, config.limits.address) = (account, address);
    World::start(config, |_| {}).await
}

fn wrong(email: &str) -> serde_json::Value {
    json!({ "strategy": "local", "email": email, "password": "wrong" })
}

#[tokio::test]
async fn s24_an_account_is_closed_to_an_address_that_guesses() {
    let world = limited(3, 1_000).await;
    let token = world.login("eve").await;
    // However the name is written, it is the same account.
    for name in ["bob@example.com", "BOB@EXAMPLE.COM", " bob@example.com "] {
        assert_eq!(world.try_login(&wrong(name)).await.status, 401, "{name}");
    }
    for login in [wrong("bob@example.com"), local("bob"), wrong("Bob@Example.com")] {
        let answer = world.try_login(&login).await;
        assert_eq!(answer.status, 429, "{answer:?}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(answer.json()["data"]["retryAfter"], wait);
        assert_eq!(answer.json()["name"], "TooManyRequests");
    }
    for way in Way::SOCKETS {
        let mut client = Client::listen(&world, way, Claim::default()).await;
        let error = client.login(&local("bob")).await.unwrap_err();
        assert_eq!(error["code"], 429, "{way:?}: {error}");
        assert!(error["data"]["retryAfter"].as_u64().unwrap() >= 1, "{way:?}: {error}");
    }
    // A login at the handshake counts too.
    let claim = Claim { auth: Some(local("bob")), ..Claim::default() };
    assert!(Client::try_listen(&world, Way::WebSocket, claim).await.is_err());
    assert_eq!(world.try_login(&local("ada")).await.status, 201);
    for _ in 0..10 {
        assert_eq!(world.try_login(&jwt(&token)).await.status, 201);
    }
}

#[tokio::test]
async fn s24_an_address_that_tries_many_accounts_waits() {
    let world = limited(0, 5).await;
    let token = world.auth.create_token(Some("1"), serde_json::Map::new()).unwrap();
    for number in 0..5 {
        assert_eq!(world.try_login(&wrong(&format!("{number}@example.com"))).await.status, 401);
    }
    let answer = world.try_login(&local("ada")).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    for _ in 0..10 {
        assert_eq!(world.try_login(&jwt(&token)).await.status, 201);
    }
}

#[tokio::test]
async fn s24_the_addresses_of_one_network_count_as_one() {
    let world = limited(2, 0).await;
    let service = world.handle().service("authentication").unwrap();
    let code = async |address: &str| {
        let mut params = Params::new();
        params.address = Some(address.parse::<IpAddr>().unwrap());
        service.create(wrong("bob@example.com"), params).await.unwrap_err().code()
    };
    assert_eq!([code("2001:db8:0:1::1").await, code("2001:db8:0:1:ffff::2").await], [401, 401]);
    assert_eq!([code("2001:db8:0:1::3").await, code("2001:db8:0:2::1").await], [429, 401]);
    assert_eq!([code("192.0.2.1").await, code("::ffff:192.0.2.1").await, code("192.0.2.1").await], [401, 401, 429]);
    assert_eq!(code("192.0.2.2").await, 401);
}

#[tokio::test]
async fn s24_tickets_are_counted() {
    let world = limited(0, 3).await;
    let token = world.auth.create_token(Some("1"), serde_json::Map::new()).unwrap();
    for _ in 0..3 {
        world.ticket(&token).await;
    }
    let answer = world.ask_as(&token, "POST", "/authentication/ticket", "{}").await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
}

#[tokio::test]
async fn s24_passwords_that_are_set_from_outside_are_counted() {
    let world = limited(3, 1_000).await;
    let sign_up = async |name: &str| {
        let data = json!({ "email": name, "password": "correct horse" });
        world.ask("POST", "/users", &[], &data.to_string()).await
    };
    for name in ["new@example.com", "NEW@example.com", " new@example.com"] {
        assert_eq!(sign_up(name).await.status, 201, "{name}");
    }
    let answer = sign_up("new@example.com").await;
    assert_eq!((answer.status, answer.json()["name"].as_str()), (429, Some("TooManyRequests")), "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(sign_up("other@example.com").await.status, 201);
    let change = || world.ask("PATCH", "/users/2", &[], r#"{"password":"battery staple"}"#);
    for _ in 0..3 {
        assert_eq!(change().await.status, 200);
    }
    assert_eq!(change().await.status, 429);
    // An attempt counts only with a password, from outside, and unless it is refused before it costs anything.
    for _ in 0..5 {
        assert_eq!(world.ask("PATCH", "/users/3", &[], r#"{"role":"guest"}"#).await.status, 200);
        assert_eq!(world.ask("PATCH", "/users/3", &[], r#"{"password":"short"}"#).await.status, 400);
        world.patch(3, json!({ "password": "battery staple" })).await;
    }
    assert_eq!(world.ask("PATCH", "/users/3", &[], r#"{"password":"battery staple"}"#).await.status, 200);
}

#[tokio::test]
async fn s24_each_password_of_a_list_is_counted() {
    let mut config = config();
    (config.limits.account, config.limits.address) = (0, 5);
    let world = World::start(config, |app| {
        app.service("people", Memory::<Document>::new().multi(true)).before("create", hash_password("password"));
    })
    .await;
    let people = |count: u32| {
        let list = (0..count).map(|n| json!({ "email": format!("{n}@example.com"), "password": "correct horse" }));
        serde_json::Value::from(list.collect::<Vec<_>>()).to_string()
    };
    assert_eq!(world.ask("POST", "/people", &[], &people(6)).await.status, 429);
    let stored = world.handle().service("people").unwrap().find(()).await.unwrap();
    assert_eq!(stored.value().unwrap(), &json!([]));
    let world = self::limited(0, 5).await;
    let one = |n: u32| json!({ "email": format!("{n}@example.com"), "password": "correct horse" }).to_string();
    for n in 0..5 {
        assert_eq!(world.ask("POST", "/users", &[], &one(n)).await.status, 201);
    }
    assert_eq!(world.ask("POST", "/users", &[], &one(5)).await.status, 429);
}
