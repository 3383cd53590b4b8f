//! Clients that try to pass as another user, to see records that are not theirs, or to speak for the server.

use feathers::prelude::*;
use serde_json::Value;

use crate::client::{Claim, Client, End, Way};
use crate::support::{World, config, world};

/// Restricts everything to what the caller owns.
async fn own_only(ctx: &mut Context) -> Result<()> {
    if !ctx.params.is_external() {
        return Ok(());
    }
    let id = ctx.params.require_user()?.value()?["id"].to_string();
    ctx.params.query.insert("ownerId".to_owned(), id.into());
    Ok(())
}

/// Tells what the server thinks of the caller.
struct Mirror;

#[service]
impl Mirror {
    async fn find(&self, params: &Params) -> Result<Value> {
        Ok(Self::show(params))
    }

    async fn create(&self, _data: Value, params: &Params) -> Result<Value> {
        Ok(Self::show(params))
    }
}

impl Mirror {
    fn show(params: &Params) -> Value {
        json!({
            "external": params.is_external(),
            "user": params.user().is_some(),
            "authenticated": params.authenticated().is_some(),
            "authorization": params.headers.value("authorization"),
            "forged": params.headers.value("x-forged"),
        })
    }
}

async fn attacked() -> World {
    World::start(config(), |app| {
        let records = app.service("records", Memory::<Document>::new());
        records.before("all", authenticate("jwt")).before(["find", "get", "update", "patch", "remove"], own_only);
        app.service("mirror", Mirror);
    })
    .await
}

/// Makes the same call over REST and every socket; all must be answered alike.
async fn everywhere(world: &World, token: &str, method: &str, id: i64, data: Option<&Value>, query: &Value) -> Value {
    let verb = match method {
        "get" => "GET",
        "patch" => "PATCH",
        "update" => "PUT",
        _ => "DELETE",
    };
    let body = data.map(ToString::to_string).unwrap_or_default();
    let path = format!("/records/{id}?{}", query_string("", query));
    let answer = world.ask_as(token, verb, &path, &body).await.json();
    for way in Way::SOCKETS {
        let mut client = Client::listen(world, way, Claim::token(token)).await;
        let mut arguments = json!({ "id": id });
        if let Some(data) = data {
            arguments["data"] = data.clone();
        }
        arguments["query"] = query.clone();
        let other = client.call(method, "records", arguments).await.unwrap_or_else(|error| error);
        assert_eq!(other, answer, "{way:?}: {method} {query}");
    }
    answer
}

/// Writes a query as REST clients do.
fn query_string(prefix: &str, value: &Value) -> String {
    let name = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}[{key}]") };
    let parts: Vec<String> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| query_string(&name(key), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| query_string(&name(&index.to_string()), item)).collect()
        }
        Value::String(text) => vec![format!("{prefix}={text}")],
        other => vec![format!("{prefix}={other}")],
    };
    parts.join("&")
}

#[tokio::test]
async fn s8_the_record_of_another_user_is_not_there_over_every_transport() {
    let world = attacked().await;
    let (bob, eve) = (world.login("bob").await, world.login("eve").await);
    let service = world.handle().service("records").unwrap();
    for (id, owner) in [(1, "2"), (2, "3")] {
        service.create(json!({ "id": id, "ownerId": owner, "text": "private" }), ()).await.unwrap();
    }
    let data = json!({ "text": "changed", "ownerId": "3" });
    for (method, data) in [("get", None), ("patch", Some(&data)), ("update", Some(&data)), ("remove", None)] {
        for query in [
            json!({}),
            json!({ "ownerId": "2" }),
            json!({ "ownerId": { "$ne": "3" } }),
            json!({ "$or": [{ "ownerId": "2" }, { "ownerId": "3" }] }),
            json!({ "$or": [{ "text": { "$ne": "" } }, { "ownerId": "2" }] }),
            json!({ "$or": [{ "$or": [{ "text": "private" }] }] }),
            json!({ "$and": [{ "$or": [{ "ownerId": "2" }] }] }),
        ] {
            let answer = everywhere(&world, &eve, method, 1, data, &query).await;
            assert_eq!(answer["code"], 404, "{method} {query}: {answer}");
            assert_eq!(answer["message"], "No record found for id '1'", "{method} {query}");
        }
    }
    let kept = service.get(Id::from(1), ()).await.unwrap();
    assert_eq!(kept.value().unwrap(), &json!({ "id": 1, "ownerId": "2", "text": "private" }));
    assert_eq!(everywhere(&world, &bob, "get", 1, None, &json!({})).await["text"], "private");
    let wide = "/records?$or[0][ownerId]=2&$or[1][ownerId]=3&ownerId=2";
    let found = world.ask_as(&eve, "GET", wide, "").await.json();
    assert_eq!(found, json!([{ "id": 2, "ownerId": "3", "text": "private" }]));
}

#[tokio::test]
async fn s12_a_hidden_field_can_be_asked_for_in_no_way() {
    let world = world().await;
    let mut clients = Vec::new();
    for way in Way::SOCKETS {
        clients.push(Client::listen(&world, way, Claim::default()).await);
    }
    for field in ["password", "locked", "private"] {
        for query in [
            json!({ field: "x" }),
            json!({ field: { "$ne": "x" } }),
            json!({ field: { "$gt": "$" } }),
            json!({ field: { "$in": ["x"] } }),
            json!({ field: { "$nin": ["x"] } }),
            json!({ "$or": [{ "email": "x" }, { field: { "$ne": "x" } }] }),
            json!({ "$or": [{ "$or": [{ field: "x" }] }] }),
            json!({ "$and": [{ field: { "$lt": "x" } }] }),
            json!({ "$select": [field] }),
            json!({ "$select": ["email", field] }),
            json!({ "$sort": { field: 1 } }),
            json!({ "$sort": { "email": 1, field: -1 } }),
            json!({ format!("{field}.deep"): "x" }),
        ] {
            for path in ["/users", "/users/1"] {
                let answer = world.ask("GET", &format!("{path}?{}", query_string("", &query)), &[], "").await;
                assert_eq!(answer.status, 400, "{path} {query}: {answer:?}");
                // In a list, a field is named by its position.
                let error = answer.json();
                let named = error["data"][0]["instancePath"].as_str().is_some_and(|path| path.starts_with("/$select/"));
                assert!(named || answer.text.contains(field), "{query}: {answer:?}");
                assert!(!named || !answer.text.contains(field), "{query}: a hidden field is among the allowed ones");
            }
            for client in &mut clients {
                let error = client.call("find", "users", json!({ "query": query })).await.unwrap_err();
                assert_eq!(error["code"], 400, "{:?} {query}", client.way);
            }
            let query = query_string("", &query);
            let answer = world.ask("PATCH", &format!("/users/1?{query}"), &[], r#"{"email":"x@example.com"}"#).await;
            assert_eq!(answer.status, 400, "{query}: {answer:?}");
            assert_eq!(world.ask("DELETE", &format!("/users/1?{query}"), &[], "").await.status, 400, "{query}");
        }
    }
    let found = world.ask("GET", "/users", &[], "").await.json();
    assert_eq!(found[0], json!({ "id": 1, "email": "ada@example.com", "role": "admin", "banned": null }));
}

/// What a client may write to pass as another user.
fn smuggled(token: &str) -> Value {
    let user = json!({ "id": 1, "email": "ada@example.com" });
    json!({
        "provider": null, "user": user, "authenticated": true, "connection": { "user": user },
        "headers": { "authorization": format!("Bearer {token}"), "x-forged": "1" },
        "authentication": { "strategy": "jwt", "accessToken": token },
        "strategy": "jwt", "accessToken": token, "__proto__": { "authenticated": true },
    })
}

#[tokio::test]
async fn s21_nothing_that_a_client_sends_makes_it_a_user() {
    let world = attacked().await;
    let sent = smuggled(&world.login("ada").await);
    let nobody =
        json!({ "external": true, "user": false, "authenticated": false, "authorization": null, "forged": null });
    let query = query_string("", &sent);
    // In data such a key is refused.
    let refused = world.ask("POST", "/mirror", &[], &sent.to_string()).await;
    assert_eq!((refused.status, refused.text.contains("/__proto__")), (400, true), "{refused:?}");
    let mut data = sent.clone();
    data.as_object_mut().unwrap().shift_remove("__proto__");
    for (method, body) in [("GET", String::new()), ("POST", data.to_string())] {
        let answer = world.ask(method, &format!("/mirror?{query}"), &[], &body).await;
        assert_eq!(answer.json(), nobody, "{method}");
        assert_eq!(world.ask(method, &format!("/secrets?{query}"), &[], &body).await.status, 401, "{method}");
    }
    for way in Way::SOCKETS {
        let mut client = Client::listen(&world, way, Claim::default()).await;
        let arguments = json!({ "data": data, "query": sent });
        assert_eq!(client.call("create", "mirror", arguments.clone()).await.unwrap(), nobody, "{way:?}");
        assert_eq!(client.call("find", "mirror", json!({ "query": sent })).await.unwrap(), nobody, "{way:?}");
        assert_eq!(client.call("create", "secrets", arguments).await.unwrap_err()["code"], 401, "{way:?}");
    }
    // More arguments, or others, than a call has.
    let mut client = Client::listen(&world, Way::SocketIo, Claim::default()).await;
    client.send(&format!(r#"421["find","mirror",{{}},{sent},{sent}]"#)).await;
    if let Ok(answer) = client.answer().await {
        assert_eq!(answer, nobody);
    }
    let mut client = Client::listen(&world, Way::WebSocket, Claim::default()).await;
    for name in sent.as_object().unwrap().keys() {
        let error = client.request("find", json!({ "path": "mirror", name: sent[name] })).await.unwrap_err();
        assert_eq!(error["code"], -32_602, "{name}: {error}");
    }
}

#[tokio::test]
async fn s22_what_a_client_emits_is_no_event() {
    for way in Way::SOCKETS {
        let world = world().await;
        let mut listener = Client::listen(&world, Way::WebSocket, Claim::default()).await;
        let mut other = Client::listen(&world, way, Claim::default()).await;
        for (name, path) in [
            ("notes ticked", "notes"),
            ("notes created", "notes"),
            ("messages created", "messages"),
            ("ticked", "notes"),
            ("emit", "notes"),
            ("publish", "notes"),
            ("resumed", "notes"),
            ("reset", "notes"),
        ] {
            let data = json!({ "n": 1, "to": "lobby" });
            if way == Way::WebSocket {
                other.request(name, json!({ "path": path, "data": data })).await.unwrap_err();
                for own in ["$event", "$reset", "$emit"] {
                    other.request(own, json!({ "path": path, "event": "ticked", "data": data })).await.unwrap_err();
                }
            } else {
                other.send(&format!("421{}", json!([name, path, data]))).await;
                other.answer().await.unwrap_err();
                other.send(&format!("421{}", json!([name, data]))).await;
                other.answer().await.unwrap_err();
                other.send(&format!("42{}", json!([name, data, "aaaaaaaa-1"]))).await;
            }
        }
        other.call("find", "notes", json!({})).await.unwrap();
        world.tick("lobby", 2);
        assert_eq!(listener.events(1).await, [2], "{way:?}");
        assert_eq!(other.events(1).await, [2], "{way:?}");
    }
}

#[tokio::test]
async fn s25_a_token_in_a_url_is_no_token() {
    let world = world().await;
    let token = world.login("ada").await;
    for name in ["access_token", "token", "authorization", "accessToken", "jwt", "auth[accessToken]", "feathers-jwt"] {
        for value in [token.clone(), format!("Bearer%20{token}")] {
            let query = format!("{name}={value}");
            for path in [format!("/secrets?{query}"), format!("/authentication/ticket?{query}")] {
                let method = if path.starts_with("/secrets") { "GET" } else { "POST" };
                assert_eq!(world.ask(method, &path, &[], "").await.status, 401, "{path}");
            }
            for way in Way::ALL {
                let claim = Claim { query: query.clone(), ..Claim::default() };
                let client = Client::listen(&world, way, claim).await;
                assert_eq!(world.auth.connections(crate::support::ADA), [], "{way:?} {name}");
                drop(client);
            }
        }
        let ticket = Claim { query: format!("ticket={token}"), ..Claim::default() };
        for way in Way::HTTP {
            let refused = Client::try_listen(&world, way, ticket.clone()).await.err();
            assert_eq!(refused, Some(End::Status(401)), "{way:?}");
        }
    }
}
