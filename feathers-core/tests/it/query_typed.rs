//! Queries and data on records with a schema: coercion, refusals that name the field, hidden fields, validation.

use crate::query_support::Item;
use feathers_core::query::qs;
use feathers_core::{
    App, AppHandle, Context, Descriptor, Document, Error, Id, Memory, Method, Params, Payload, Provider, Query,
    QueryOptions, Record, Request, Service,
};
use serde_json::{Value, json};

async fn start() -> AppHandle {
    let mut app = App::new();
    app.service("items", Memory::<Item>::new().multi(true));
    let app = app.start().await.unwrap();
    let items = app.service("items").unwrap();
    for i in 1..=4 {
        let data = json!({
            "n": f64::from(i) + 0.5,
            "name": format!("n{i}"),
            "age": (i > 2).then_some(i * 10),
            "open": i % 2 == 0,
            "meta": { "tags": [i, "x"], "deep": { "a": i } },
            "secret": "s",
        });
        items.create(data, ()).await.unwrap();
    }
    app
}

fn external(query: Value) -> Params {
    params(query, Provider::REST)
}

fn params(query: Value, provider: Provider) -> Params {
    let mut params = Params::query(query);
    params.provider = Some(provider);
    params
}

async fn find(app: &AppHandle, query: Value) -> Result<Vec<i64>, Error> {
    find_over(app, query, Provider::REST).await
}

async fn find_over(app: &AppHandle, query: Value, provider: Provider) -> Result<Vec<i64>, Error> {
    let found = app.service("items").unwrap().find(params(query, provider)).await?;
    Ok(found.value().unwrap().as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect())
}

async fn find_text(app: &AppHandle, query: &str) -> Result<Vec<i64>, Error> {
    find(app, Value::Object(qs::parse(query).unwrap())).await
}

#[tokio::test]
async fn coerces_texts_to_the_types_of_the_fields() {
    let app = start().await;
    for (query, expected) in [
        ("age=30", vec![3]),
        ("age=%20030", vec![3]),
        ("age=3e1", vec![3]),
        ("n=1.5", vec![1]),
        ("n[$gt]=2&n[$lt]=4", vec![2, 3]),
        ("n[$gte]=2.5&n[$lte]=3.5", vec![2, 3]),
        ("open=true", vec![2, 4]),
        ("open[$ne]=true", vec![1, 3]),
        ("id[$in][]=1&id[$in][]=4", vec![1, 4]),
        ("id[$in]=2", vec![2]),
        ("id[$nin][]=1&id[$nin][]=4", vec![2, 3]),
        ("age=", vec![1, 2]),
        ("age[$ne]=", vec![3, 4]),
        ("name=n1", vec![1]),
        ("meta.tags=x", vec![1, 2, 3, 4]),
        ("$or[0][id]=1&$or[1][age]=40", vec![1, 4]),
        ("$and[0][$or][0][id]=1&$and[0][$or][1][id]=2&$and[1][open]=true", vec![2]),
        ("$sort[id]=-1&$limit=2&$skip=1", vec![3, 2]),
        ("$sort[id]=-1.0&$limit=2.0&$skip=1e0", vec![3, 2]),
        ("$sort[open]=1&$sort[n]=-1", vec![3, 1, 4, 2]),
        ("$sort[meta.deep.a]=-1", vec![4, 3, 2, 1]),
    ] {
        assert_eq!(find_text(&app, query).await, Ok(expected), "{query}");
    }
}

#[tokio::test]
async fn keeps_json_types_and_coerces_where_ajv_does() {
    let app = start().await;
    for (query, expected) in [
        (json!({ "age": 30.0 }), vec![3]),
        (json!({ "age": null }), vec![1, 2]),
        (json!({ "open": 1 }), vec![2, 4]),
        (json!({ "open": 0 }), vec![1, 3]),
        (json!({ "name": true }), vec![]),
        (json!({ "name": 1 }), vec![]),
        (json!({ "name": null }), vec![]),
        (json!({ "id": {} }), vec![]),
        (json!({ "id": { "$in": [] } }), vec![]),
        (json!({ "id": { "$nin": [] } }), vec![1, 2, 3, 4]),
        (json!({ "meta.tags": 2 }), vec![2]),
        (json!({ "meta.tags": [2.0, "x"] }), vec![2]),
        (json!({ "meta.deep": { "a": 3.0 } }), vec![3]),
        (json!({ "meta.deep.a": { "$gt": 2 } }), vec![3, 4]),
        (json!({ "meta.deep.a": { "$gt": "2" } }), vec![]),
        (json!({ "meta.tags.0": 4 }), vec![4]),
        (json!({ "$limit": null }), vec![1, 2, 3, 4]),
    ] {
        assert_eq!(find_over(&app, query.clone(), Provider::SOCKETIO).await, Ok(expected), "{query}");
    }
}

/// Over REST every value is a text, and clients cannot write the number 12; over a socket a text is a text.
#[tokio::test]
async fn a_text_finds_the_number_in_json_over_rest() {
    let app = start().await;
    let text = json!({ "n": 9, "name": "text", "meta": { "tags": ["2", "true"], "deep": { "a": "3" } } });
    app.service("items").unwrap().create(text, ()).await.unwrap();
    let flag = json!({ "n": 9, "name": "flag", "meta": { "tags": [true], "deep": { "a": 2.5 } } });
    app.service("items").unwrap().create(flag, ()).await.unwrap();
    for (query, rest, socket) in [
        (json!({ "meta.deep.a": "3" }), vec![3, 5], vec![5]),
        (json!({ "meta.deep.a": "2.5" }), vec![6], vec![]),
        (json!({ "meta.deep.a": { "$ne": "3" } }), vec![1, 2, 4, 6], vec![1, 2, 3, 4, 6]),
        (json!({ "meta.deep.a": { "$in": ["1", "3"] } }), vec![1, 3, 5], vec![5]),
        (json!({ "meta.deep.a": { "$nin": ["1", "3"] } }), vec![2, 4, 6], vec![1, 2, 3, 4, 6]),
        (json!({ "meta.deep.a": { "$gt": "2" } }), vec![3, 4, 5, 6], vec![5]),
        (json!({ "meta.deep.a": { "$gte": "2", "$lt": "3" } }), vec![2, 6], vec![]),
        (json!({ "meta.deep.a": { "$lte": "x" } }), vec![5], vec![5]),
        (json!({ "meta.tags": "2" }), vec![2, 5], vec![5]),
        (json!({ "meta.tags": "true" }), vec![5, 6], vec![5]),
        (json!({ "meta.tags": "x" }), vec![1, 2, 3, 4], vec![1, 2, 3, 4]),
        (json!({ "$or": [{ "meta.deep.a": "1" }, { "id": "6" }] }), vec![1, 6], vec![6]),
    ] {
        assert_eq!(find(&app, query.clone()).await, Ok(rest), "{query}");
        assert_eq!(find_over(&app, query.clone(), Provider::SOCKETIO).await, Ok(socket), "{query}");
    }
}

#[tokio::test]
async fn numbers_in_data_are_whole_however_they_are_written() {
    let app = start().await;
    let service = app.service("items").unwrap();
    let create = async |json: &str| {
        let data = Payload::from_json(json.to_owned().into()).unwrap();
        service.create(data, external(json!({}))).await
    };
    for age in ["30", "30.0", "3e1", "300e-1"] {
        let made = create(&format!(r#"{{"n":1,"name":"n","age":{age}}}"#)).await.unwrap();
        assert_eq!(made.value().unwrap()["age"].to_string(), "30", "{age}");
        let list = create(&format!(r#"[{{"n":1,"name":"n","age":{age}}}]"#)).await.unwrap();
        assert_eq!(list.value().unwrap()[0]["age"].to_string(), "30", "{age}");
    }
    for (age, message) in [
        ("9223372036854775808", "must be <= 9223372036854775807"),
        ("1e30", "must be <= 9223372036854775807"),
        ("-1e30", "must be >= -9223372036854775808"),
        ("30.5", "must be integer"),
        ("1e999", "must be a number that a computer can hold"),
    ] {
        let error = create(&format!(r#"{{"n":1,"name":"n","age":{age}}}"#)).await.unwrap_err();
        assert_eq!((&*items(&error)[0].0, &*items(&error)[0].2), ("/age", message), "{age}");
    }
}

#[tokio::test]
async fn a_form_is_typed_by_the_fields() {
    let app = start().await;
    let service = app.service("items").unwrap();
    let form = |text: &str| Payload::from_form(qs::parse_form(text).unwrap());
    let create = async |text: &str| service.create(form(text), external(json!({}))).await;
    let made = create("n=1.5&name=7&age=3e1&open=on&mail=a@b.c&meta[room]=12").await.unwrap();
    let made = made.value().unwrap();
    let typed = (&made["n"], &made["name"], &made["age"], &made["open"]);
    assert_eq!(typed, (&json!(1.5), &json!("7"), &json!(30), &json!(true)));
    assert_eq!(made["meta"], json!({ "room": "12" }));
    assert_eq!(create("n=1&name=n&age=").await.unwrap().value().unwrap()["age"], Value::Null);
    assert_items(
        &create("n=&age=x&open=maybe").await.unwrap_err(),
        &[
            ("", "#/required", "must have required property 'name'"),
            ("/n", "#/properties/n/type", "must be number"),
            ("/age", "#/properties/age/type", "must be integer"),
            ("/open", "#/properties/open/type", "must be boolean"),
        ],
    );
    assert_items(
        &create("n=1&name=n&meta[__proto__][a]=1").await.unwrap_err(),
        &[("/meta/__proto__", "#/propertyNames", "must NOT have a property named '__proto__'")],
    );
    // A hook may change a field, and the others are still those of a form.
    let mut data = form("n=2&name=n");
    data.object_mut().unwrap().insert("age".into(), json!("4"));
    assert_eq!(service.create(data, ()).await.unwrap().value().unwrap()["age"], 4);
}

#[tokio::test]
async fn what_no_data_may_hold_is_refused_with_its_place() {
    let mut app = App::new();
    app.service("items", Memory::<Item>::new());
    app.service("json", Memory::<Document>::new());
    let app = app.start().await.unwrap();
    let proto = "must NOT have a property named '__proto__'";
    let half = "must NOT hold half of a surrogate pair";
    for (path, data, place, message) in [
        ("items", r#"{"n":1,"name":"n","meta":{"a":[{"__proto__":{"admin":true}}]}}"#, "/meta/a/0/__proto__", proto),
        ("json", r#"{"a":{"__proto__":1}}"#, "/a/__proto__", proto),
        ("json", r#"{"a":{"\u005f\u005fproto__":1}}"#, "/a/__proto__", proto),
        ("items", r#"{"n":1,"name":"\ud83d"}"#, "/name", half),
        ("items", r#"{"n":1,"name":"n","meta":{"a":"x\ude00"}}"#, "/meta/a", half),
        ("json", r#"{"a":["\ud83d"]}"#, "/a/0", half),
    ] {
        let data = Payload::from_json(data.to_owned().into()).unwrap();
        let service = app.service(path).unwrap();
        let error = service.create(data.clone(), external(json!({}))).await.unwrap_err();
        assert_eq!((&*items(&error)[0].0, &*items(&error)[0].2), (place, message));
        let error = service.patch(Id::from(1), data, external(json!({}))).await.unwrap_err();
        assert_eq!((&*items(&error)[0].0, &*items(&error)[0].2), (place, message));
    }
    // Data that was read before, as by a transport of one's own, may be checked too.
    let value: Value = serde_json::from_str(r#"{"a":{"__proto__":1}}"#).unwrap();
    let error = app.service("json").unwrap().create(value, external(json!({}))).await.unwrap_err();
    assert_eq!(items(&error)[0].0, "/a/__proto__");
    let emoji = Payload::from_json(r#"{"a":"\ud83d\ude00 \\ud83d"}"#.to_owned().into()).unwrap();
    let made = app.service("json").unwrap().create(emoji, external(json!({}))).await.unwrap();
    assert_eq!(made.value().unwrap()["a"], "\u{1f600} \\ud83d");
}

fn items(error: &Error) -> Vec<(String, String, String)> {
    assert_eq!((error.code(), error.message()), (400, "validation failed"), "{error:?}");
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = error.data().unwrap().as_array().unwrap();
    assert!(items.iter().all(|item| item.as_object().unwrap().len() == 5 && item["params"].is_object()));
    items.iter().map(|item| (text(item, "instancePath"), text(item, "schemaPath"), text(item, "message"))).collect()
}

#[track_caller]
fn assert_items(error: &Error, expected: &[(&str, &str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(a, b, c)| ((*a).into(), (*b).into(), (*c).into())).collect();
    assert_eq!(items(error), expected);
}

/// A sort by this many fields.
fn many(fields: usize) -> Value {
    Value::Object((0..fields).map(|n| (format!("meta.{n}"), json!(1))).collect())
}

#[tokio::test]
async fn refuses_what_does_not_fit_and_names_the_place() {
    let app = start().await;
    let error = find_text(&app, "id=abc").await.unwrap_err();
    assert_items(
        &error,
        &[
            ("/id", "#/properties/id/anyOf/0/type", "must be integer"),
            ("/id", "#/properties/id/anyOf/1/type", "must be object"),
            ("/id", "#/properties/id/anyOf", "must match a schema in anyOf"),
        ],
    );
    let error = find_text(&app, "$or[0][id]=1&$or[1][id][$gt]=x").await.unwrap_err();
    assert_eq!(items(&error)[1].0, "/$or/1/id/$gt");
    assert_eq!(items(&error)[1].1, "#/properties/%24or/items/properties/id/anyOf/1/properties/%24gt/type");
    for (query, place, message) in [
        ("$limit=-1", "/$limit", "must be >= 0"),
        ("$limit=x", "/$limit", "must be number"),
        ("$limit=0.5", "/$limit", "must be integer"),
        ("$skip=0.5", "/$skip", "must be integer"),
        ("$limit=1e300", "/$limit", "must be integer"),
        ("$skip=-1", "/$skip", "must be >= 0"),
        ("$sort=name", "/$sort", "must be object"),
        ("$sort[name]=2", "/$sort/name", "must be equal to one of the allowed values"),
        ("$sort[name]=up", "/$sort/name", "must be number"),
        ("$sort[name]=1.5", "/$sort/name", "must be equal to one of the allowed values"),
        ("$select=name", "/$select", "must be array"),
        ("id=1.5", "/id", "must be integer"),
        ("id=99999999999999999999", "/id", "must be integer"),
        ("open=yes", "/open", "must be boolean"),
        ("n=Infinity", "/n", "must be number"),
        ("n=", "/n", "must be number"),
        ("n=1&n=2", "/n", "must be number"),
    ] {
        let error = find_text(&app, query).await.unwrap_err();
        assert_eq!((&*items(&error)[0].0, &*items(&error)[0].2), (place, message), "{query}");
    }
    for (query, message) in [
        (json!({ "$or": [] }), "$or must be a nonempty array"),
        (json!({ "$or": [1] }), "$or must be an array of objects"),
        (json!({ "$and": {} }), "$and must be a nonempty array"),
        (json!({ "id": { "$in": vec![1; 10_001] } }), "Query has more than 10000 values"),
        (json!({ "$sort": many(33) }), "$sort has more than 32 fields"),
        (json!({ "$select": vec!["id"; 1_001] }), "$select has more than 1000 fields"),
    ] {
        let error = find(&app, query).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, message));
    }
    assert_eq!(find(&app, json!({ "$sort": many(32), "$limit": 1 })).await, Ok(vec![1]));
    assert_eq!(find(&app, json!({ "$select": vec!["id"; 1_000], "$limit": 1 })).await, Ok(vec![1]));
    let select = external(json!({ "$select": vec!["id"; 1_001] }));
    let error = app.service("items").unwrap().create(json!({ "n": 1, "name": "n" }), select).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "$select has more than 1000 fields"));
    let deep = (0..30).fold(json!({ "id": 1 }), |query, _| json!({ "$or": [query] }));
    assert_eq!(find(&app, deep).await.unwrap_err().message(), "Query is nested deeper than 20 levels");
}

/// Clients learn nothing of a hidden field: it is refused word for word like one that does not exist.
#[tokio::test]
async fn refuses_hidden_fields_like_unknown_ones() {
    let app = start().await;
    for query in [
        "FIELD=s",
        "FIELD[$gt]=a",
        "FIELD.x=s",
        "$sort[FIELD]=1",
        "$select[]=FIELD",
        "$or[0][FIELD]=s",
        "$and[0][$or][0][FIELD]=s",
    ] {
        let hidden = find_text(&app, &query.replace("FIELD", "secret")).await.unwrap_err();
        let unknown = find_text(&app, &query.replace("FIELD", "nothing")).await.unwrap_err();
        assert_eq!(hidden.code(), 400);
        let hidden = serde_json::to_string(&hidden).unwrap().replace("secret", "nothing");
        assert_eq!(hidden, serde_json::to_string(&unknown).unwrap(), "{query}");
    }
    let service = app.service("items").unwrap();
    let inside = service.find(json!({ "secret": "s", "$sort": { "secret": 1 }, "$limit": 1 })).await.unwrap();
    assert_eq!(inside.value().unwrap()[0]["secret"], "s");
    assert_eq!(service.find(json!({ "nothing": 1 })).await.unwrap_err().code(), 400);
    assert_eq!(find_text(&app, "name.x=1").await.unwrap_err().code(), 400);
    for query in ["name[$regex]=x", "$where=1", "$or[0][$and][0][id]=1", "name[$limit]=1"] {
        let error = find_text(&app, query).await.unwrap_err();
        let word = ["$regex", "$where", "$and", "$limit"].into_iter().find(|word| query.contains(word)).unwrap();
        assert!(error.data().unwrap().to_string().contains(word), "{query}");
        assert!(!items(&error).is_empty());
    }
}

#[tokio::test]
async fn an_id_that_is_no_number_names_no_record() {
    let app = start().await;
    let service = app.service("items").unwrap();
    for id in ["568225fbfe21222432e836ff", "01", "1.0", ""] {
        assert_eq!(service.get(id, external(json!({}))).await.unwrap_err().code(), 404, "{id}");
        assert_eq!(service.remove(Id::from(id), external(json!({}))).await.unwrap_err().code(), 404, "{id}");
    }
}

#[tokio::test]
async fn data_names_every_mistake_at_once() {
    let app = start().await;
    let service = app.service("items").unwrap();
    let create = async |data: Value| service.create(data, external(json!({}))).await.unwrap_err();
    let error = create(json!({ "age": "x", "open": null, "made": 1, "extra": 1, "mail": "no", "a/b": 1 })).await;
    assert_items(
        &error,
        &[
            ("", "#/required", "must have required property 'n'"),
            ("", "#/required", "must have required property 'name'"),
            ("", "#/additionalProperties", "must NOT have additional properties"),
            ("", "#/additionalProperties", "must NOT have additional properties"),
            ("/age", "#/properties/age/type", "must be integer"),
            ("/open", "#/properties/open/type", "must be boolean"),
            ("/mail", "#/properties/mail/format", "must match format \"email\""),
            ("/made", "#/properties/made/readOnly", "must NOT be set"),
        ],
    );
    // These are well typed, so only the rules refuse them.
    let error = create(json!({ "n": -1, "name": "", "mail": "a@b" })).await;
    assert_items(
        &error,
        &[
            ("/n", "#/properties/n/minimum", "must be >= 0"),
            ("/name", "#/properties/name/minLength", "must NOT have fewer than 1 characters"),
            ("/mail", "#/properties/mail/format", "must match format \"email\""),
        ],
    );
    let error = create(json!({ "n": 1000, "name": "\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}" })).await;
    assert_items(
        &error,
        &[
            ("/n", "#/properties/n/exclusiveMaximum", "must be < 1000"),
            ("/name", "#/properties/name/maxLength", "must NOT have more than 5 characters"),
        ],
    );
    let stored = find(&app, json!({})).await;
    assert_eq!(stored, Ok(vec![1, 2, 3, 4]), "nothing was stored");
}

#[tokio::test]
async fn patches_are_checked_too() {
    let app = start().await;
    let service = app.service("items").unwrap();
    let patch = async |data: Value| service.patch(Id::from(1), data, external(json!({}))).await;
    assert_items(
        &patch(json!({ "name": "toolong", "n": -1 })).await.unwrap_err(),
        &[
            ("/n", "#/properties/n/minimum", "must be >= 0"),
            ("/name", "#/properties/name/maxLength", "must NOT have more than 5 characters"),
        ],
    );
    assert_items(
        &patch(json!({ "made": 1, "name": 5 })).await.unwrap_err(),
        &[
            ("/name", "#/properties/name/type", "must be string"),
            ("/made", "#/properties/made/readOnly", "must NOT be set"),
        ],
    );
    assert_items(&patch(json!([1])).await.unwrap_err(), &[("", "#/type", "must be object")]);
    let patched = patch(json!({ "name": "new", "id": 9, "secret": "t" })).await.unwrap();
    assert_eq!(patched.value().unwrap()["name"], "new");
    assert_eq!(patched.value().unwrap()["id"], 1);
    assert_eq!(patched.value().unwrap().get("secret"), None);
}

#[tokio::test]
async fn clients_choose_ids_only_where_the_service_lets_them() {
    let mut app = App::new();
    app.service("items", Memory::<Item>::new().multi(true));
    app.service("own", Memory::<Item>::new().client_ids(true));
    app.service("json", Memory::<Document>::new());
    app.service("named", Memory::<Document>::with_id("key"));
    let app = app.start().await.unwrap();
    let create = async |path: &str, data: Value| app.service(path).unwrap().create(data, external(json!({}))).await;
    let item = |id: Value| json!({ "id": id, "n": 1, "name": "n" });
    let message = "must NOT be set: the service makes its ids, unless it says `.client_ids(true)`";
    let refused = [("/id", "#/properties/id/readOnly", message)];
    assert_items(&create("items", item(json!(7))).await.unwrap_err(), &refused);
    assert_items(&create("items", json!([item(json!(null)), item(json!(7))])).await.unwrap_err(), &refused);
    assert_items(&create("json", json!({ "id": "x" })).await.unwrap_err(), &refused);
    let key = [("/key", "#/properties/key/readOnly", message)];
    assert_items(&create("named", json!({ "key": 1 })).await.unwrap_err(), &key);
    // Beside all the other mistakes.
    let error = create("items", json!({ "id": 7, "n": "x", "name": "n" })).await.unwrap_err();
    assert_items(&error, &[refused[0], ("/n", "#/properties/n/type", "must be number")]);

    for path in ["items", "json", "named"] {
        let id = if path == "named" { "key" } else { "id" };
        let made = create(path, json!({ id: null, "n": 1, "name": "n" })).await;
        assert_eq!(made.unwrap().value().unwrap()[id], 1, "{path}");
    }
    assert_eq!(create("own", item(json!(7))).await.unwrap().value().unwrap()["id"], 7);
    for id in [i64::MAX, 1 << 53, -(1 << 53)] {
        assert_eq!(create("own", item(json!(id))).await.unwrap_err().code(), 400, "{id}");
    }
    assert_eq!(create("own", item(json!(null))).await.unwrap().value().unwrap()["id"], 8);
    // Calls from inside choose as they like, and an id in other data does not count.
    let items = app.service("items").unwrap();
    assert_eq!(items.create(item(json!(20)), ()).await.unwrap().value().unwrap()["id"], 20);
    let patched = items.patch(Id::from(20), json!({ "id": 9, "name": "m" }), external(json!({}))).await.unwrap();
    assert_eq!(patched.value().unwrap()["id"], 20);
}

async fn choose(ctx: &mut Context) -> Result<(), Error> {
    let data = ctx.data.object_mut()?;
    if data.get("name") == Some(&json!("made")) {
        data.insert("id".to_owned(), json!(50));
    }
    Ok(())
}

#[tokio::test]
async fn a_hook_chooses_ids_also_in_calls_of_clients() {
    let mut app = App::new();
    app.service("items", Memory::<Item>::new()).before("create", choose);
    let items = app.start().await.unwrap().service("items").unwrap();
    let create = async |data: Value| items.create(data, external(json!({}))).await;
    for id in [json!(7), json!("7"), json!(null)] {
        let made = create(json!({ "id": id, "n": 1, "name": "made" })).await.unwrap();
        assert_eq!(made.value().unwrap()["id"], 50, "{id}");
        items.remove(Id::from(50), ()).await.unwrap();
    }
    assert_eq!(create(json!({ "id": 50, "n": 1, "name": "made" })).await.unwrap_err().code(), 400);
    assert_eq!(create(json!({ "id": 7, "n": 1, "name": "own" })).await.unwrap_err().code(), 400);
}

#[tokio::test]
async fn a_query_that_is_no_object_is_never_an_empty_one() {
    let app = start().await;
    let service = app.service("items").unwrap();
    for query in [json!([{ "id": 1 }]), json!(null), json!("id=1"), json!(1), json!(true)] {
        let wrong = [
            service.find(query.clone()).await,
            service.get(1, query.clone()).await,
            service.create(json!({ "n": 1, "name": "n" }), query.clone()).await,
            service.update(1, json!({ "n": 1, "name": "n" }), query.clone()).await,
            service.patch(None, json!({ "n": 1 }), query.clone()).await,
            service.remove(None, query.clone()).await,
            service.remove(None, external(query.clone())).await,
        ];
        for result in wrong {
            let error = result.unwrap_err();
            assert_eq!((error.code(), error.message()), (400, "the query must be an object"), "{query}");
        }
    }
    assert_eq!(find(&app, json!({})).await, Ok(vec![1, 2, 3, 4]), "nothing was removed or added");
}

/// A store inside a service of one's own, which makes other parameters for it.
struct Inside(Memory<Document>);

#[feathers_core::async_trait]
impl Service for Inside {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD)
    }

    async fn call(&self, mut request: Request<'_>) -> Result<Payload, Error> {
        let params = Params::query(json!([]));
        request.params = if *request.method == Method::Remove { &params } else { request.params };
        self.0.call(request).await
    }
}

#[tokio::test]
async fn a_service_of_ones_own_cannot_make_an_empty_query_of_none() {
    let mut app = App::new();
    app.service("inside", Inside(Memory::<Document>::new().multi(true)));
    let inside = app.start().await.unwrap().service("inside").unwrap();
    inside.create(json!({ "a": 1 }), ()).await.unwrap();
    let error = inside.remove(None, json!({ "a": 2 })).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "the query must be an object"));
    assert_eq!(inside.find(()).await.unwrap().value().unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_operator_that_the_store_does_not_know_stops_the_start() {
    let mut app = App::new();
    app.service("items", Memory::<Item>::new().operators(["$like", "$and", "$in"]));
    app.service("json", Memory::<Document>::new().operators(["$regex"]));
    let error = app.start().await.err().unwrap();
    let expected = "service 'items': it allows '$like', but its store knows no extra ones\n\
        service 'json': it allows '$regex', but its store knows no extra ones";
    assert_eq!(error.message(), expected);
}

#[tokio::test]
async fn conditions_past_a_cost_are_refused() {
    let mut app = App::new();
    app.service("items", Memory::<Item>::new());
    app.service("few", Memory::<Item>::new().max_cost(3));
    app.service("open", Memory::<feathers_core::Document>::new());
    let app = app.start().await.unwrap();
    let refusal = async |path: &str, query: Value| {
        let outcome = app.service(path).unwrap().find(external(query)).await;
        outcome.err().map(|error| (error.code(), error.message().to_owned()))
    };
    let refused =
        |cost: u64, most: u64| Some((400, format!("Query compares with {cost} values, and may compare with {most}")));
    let conditions = |count: usize| Value::from(vec![json!({ "age": 1 }); count]);
    let numbers = |count: usize| Value::from((0..count).collect::<Vec<_>>());
    for (query, cost) in [
        (json!({ "$or": conditions(1_000) }), 1_000),
        (json!({ "$or": conditions(1_001) }), 1_001),
        (json!({ "$and": [{ "$or": conditions(600) }, { "$or": conditions(600) }] }), 1_200),
        (json!({ "age": { "$in": numbers(1_000) } }), 1_000),
        (json!({ "age": { "$in": numbers(800), "$nin": numbers(201) } }), 1_001),
        (json!({ "meta": { "$ne": [numbers(998)] } }), 1_000),
        (json!({ "meta": { "$in": [{ "a": numbers(999) }] } }), 1_001),
        (json!({ "meta.a.b.c": { "$in": numbers(998) } }), 1_001),
    ] {
        let expected = if cost > 1_000 { refused(cost, 1_000) } else { None };
        assert_eq!(refusal("items", query.clone()).await, expected);
    }
    let mut options = QueryOptions::default();
    options.operators.insert("$like".into());
    for (length, cost) in [(7_992, None), (8_000, Some(1_001))] {
        let query = json!({ "name": { "$like": "%a".repeat(length) } });
        let parsed = Query::parse(query.as_object().unwrap(), &Item::schema(), &options, true);
        let message = parsed.err().map(|error| (error.code(), error.message().to_owned()));
        assert_eq!(message, cost.and_then(|cost| refused(cost, 1_000)));
    }
    assert_eq!(refusal("open", json!({ "$or": conditions(1_001) })).await, refused(1_001, 1_000));
    assert_eq!(refusal("few", json!({ "age": { "$in": [1, 2, 3] } })).await, None);
    assert_eq!(refusal("few", json!({ "age": { "$in": [1, 2, 3, 4] } })).await, refused(4, 3));

    // Every method that has a query asks, and calls from inside are not asked.
    let items = app.service("items").unwrap();
    let query = json!({ "$or": conditions(1_001) });
    for error in [
        items.get(Id::from(1), external(query.clone())).await.unwrap_err(),
        items.patch(Id::from(1), json!({}), external(query.clone())).await.unwrap_err(),
        items.remove(Id::from(1), external(query.clone())).await.unwrap_err(),
    ] {
        assert_eq!(Some((error.code(), error.message().to_owned())), refused(1_001, 1_000));
    }
    assert!(items.find(query).await.is_ok());
}
