//! The guide's example of ownership, word for word, and an attacker who tries to break it.

use feathers::prelude::*;
use serde_json::Value;

use crate::support::{PASSWORD, World, config, email};

// The words of the guide begin.

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    email: String,
    /// The hash of the password; it never leaves the server, and no query can ask for it.
    #[service(hidden)]
    password: String,
}

/// A note of a user.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    text: String,
    user_id: i64,
}

/// Makes the user who writes a note its owner, whatever owner the data names.
async fn set_owner(ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        let user: User = ctx.params.user_as()?;
        ctx.data.object_mut()?.insert("user_id".to_owned(), json!(user.id));
    }
    Ok(())
}

/// Limits a call to the notes of the user.
async fn only_own(ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        let user: User = ctx.params.user_as()?;
        // What else the client asks for, also with `$or`, can narrow this and not widen it.
        ctx.params.query.insert("user_id".to_owned(), json!(user.id));
    }
    Ok(())
}

/// Limits a call to the record of the user.
async fn only_oneself(ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        let user: User = ctx.params.user_as()?;
        ctx.params.query.insert("id".to_owned(), json!(user.id));
    }
    Ok(())
}

fn services(app: &mut App) {
    app.service("users", Memory::<User>::new())
        .before(["find", "get", "update", "patch", "remove"], authenticate("jwt"))
        .before(["update", "patch", "remove"], only_oneself)
        .before(["create", "update", "patch"], hash_password("password"));
    app.service("notes", Memory::<Note>::new())
        .before("all", authenticate("jwt"))
        // Of all methods that write: one that is forgotten here is open.
        .before(["create", "update", "patch"], set_owner)
        .before(["find", "get", "update", "patch", "remove"], only_own);
}

// The words of the guide end.

#[test]
fn it_is_the_example_of_the_guide() {
    let own = include_str!("ownership.rs");
    let (_, rest) = own.split_once("// The words of the guide begin.\n\n").unwrap();
    let (example, _) = rest.split_once("\n// The words of the guide end.").unwrap();
    assert!(include_str!("../../../docs/guide/authentication.md").contains(example));
}

const ADA: i64 = 1;
const MALLORY: i64 = 2;

async fn attacked() -> (World, String, String) {
    let mut app = App::new();
    app.configure(services);
    let auth = Authentication::new(config()).jwt().local("email").install(&mut app);
    let world = World::serve(app, auth, |server| server).await;
    for name in ["ada", "mallory"] {
        let user = json!({ "email": email(name), "password": PASSWORD }).to_string();
        assert_eq!(world.ask("POST", "/users", &[], &user).await.status, 201);
    }
    let (ada, mallory) = (world.login("ada").await, world.login("mallory").await);
    for (token, text) in [(&ada, "of ada"), (&mallory, "of mallory")] {
        let note = json!({ "text": text, "user_id": 77 }).to_string();
        assert_eq!(world.ask_as(token, "POST", "/notes", &note).await.status, 201);
    }
    (world, ada, mallory)
}

/// Returns everything that is stored.
async fn stored(world: &World, path: &str) -> Value {
    world.handle().service(path).unwrap().find(()).await.unwrap().value().unwrap().clone()
}

#[tokio::test]
async fn nobody_gets_at_the_notes_of_another_user() {
    let (world, _, mallory) = attacked().await;
    let notes = json!([
        { "id": 1, "text": "of ada", "user_id": ADA },
        { "id": 2, "text": "of mallory", "user_id": MALLORY },
    ]);
    assert_eq!(stored(&world, "notes").await, notes);
    for owner in [ADA, MALLORY] {
        let whole = json!({ "text": "mine", "user_id": owner }).to_string();
        for (method, path, body) in [
            ("PUT", "/notes/1", whole.as_str()),
            ("PUT", "/notes/1?user_id=1", &whole),
            ("PUT", "/notes/1?$or[0][user_id]=1", &whole),
            ("PATCH", "/notes/1", &whole),
            ("PATCH", "/notes/1?user_id[$ne]=0", &whole),
            ("DELETE", "/notes/1", ""),
            ("DELETE", "/notes/1?user_id=1", ""),
            ("GET", "/notes/1", ""),
            ("GET", "/notes/1?$or[0][user_id]=1", ""),
        ] {
            let answer = world.ask_as(&mallory, method, path, body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {answer:?}");
        }
    }
    for query in ["", "?user_id=1", "?user_id[$in][]=1", "?$or[0][user_id]=1&$or[1][user_id]=2", "?user_id[$ne]=2"] {
        let answer = world.ask_as(&mallory, "GET", &format!("/notes{query}"), "").await;
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert!(!answer.text.contains("of ada"), "{query}: {answer:?}");
    }
    for (method, body) in [("PATCH", r#"{"text":"mine"}"#), ("DELETE", "")] {
        assert_eq!(world.ask_as(&mallory, method, "/notes", body).await.status, 405, "{method}");
    }
    assert_eq!(stored(&world, "notes").await, notes);
}

#[tokio::test]
async fn nobody_gives_a_note_to_another_user() {
    let (world, _, mallory) = attacked().await;
    let forged = json!({ "text": "of mallory", "user_id": ADA }).to_string();
    for (method, path) in [("PATCH", "/notes/2"), ("PUT", "/notes/2"), ("POST", "/notes")] {
        let answer = world.ask_as(&mallory, method, path, &forged).await;
        assert!([200, 201, 400].contains(&answer.status), "{method}: {answer:?}");
    }
    for note in stored(&world, "notes").await.as_array().unwrap() {
        let owner = if note["text"] == "of ada" { ADA } else { MALLORY };
        assert_eq!(note["user_id"], owner, "{note}");
    }
}

#[tokio::test]
async fn nobody_sets_the_password_of_another_user() {
    let (world, ada, mallory) = attacked().await;
    let users = stored(&world, "users").await;
    let password = json!({ "password": "battery staple" }).to_string();
    let whole = json!({ "email": email("ada"), "password": "battery staple" }).to_string();
    for (token, status) in [(Some(&mallory), 404), (None, 401)] {
        for (method, path, body) in [
            ("PATCH", "/users/1", password.as_str()),
            ("PATCH", "/users/1?id=1", &password),
            ("PATCH", "/users/1?$or[0][id]=1", &password),
            ("PUT", "/users/1", &whole),
            ("DELETE", "/users/1", ""),
        ] {
            let answer = match token {
                Some(token) => world.ask_as(token, method, path, body).await,
                None => world.ask(method, path, &[], body).await,
            };
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        }
    }
    assert_eq!(world.ask_as(&mallory, "PATCH", "/users", &password).await.status, 405);
    assert_eq!(stored(&world, "users").await, users);
    assert!(!world.ask_as(&mallory, "GET", "/users", "").await.text.contains("argon2"));
    // Users can change their own records.
    assert_eq!(world.ask_as(&ada, "PATCH", "/users/1", &password).await.status, 200);
    assert_eq!(world.ask_as(&mallory, "DELETE", "/users/2", "").await.status, 200);
}
