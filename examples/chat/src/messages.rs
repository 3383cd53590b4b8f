//! Messages: all users read them, their authors change and remove them.

use std::collections::{BTreeSet, HashMap};
use std::slice;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feathers::Method;
use feathers::event::Channel;
use feathers::prelude::*;
use serde_json::Value;

use crate::only::{only, whole};
use crate::profile::Profile;
use crate::rooms;
use crate::users::User;

/// A message of a user.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[service(id)]
    id: i64,
    #[service(length(1..=2_000))]
    text: String,
    /// In milliseconds since 1970.
    #[service(server, default = now())]
    created_at: i64,
    user_id: i64,
    /// The room; without one, all logged-in users get the message.
    room: Option<i64>,
}

/// Mounts the service `messages`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    app.service("messages", db.store::<Message>().await?.paginate(Paginate::new(10).max(50)))
        .methods(["find", "get", "create", "patch", "remove"])
        .events(["typing"])
        .before("all", authenticate("jwt"))
        .before("create", only(["text", "room"]))
        .before("create", sign)
        .before("patch", only(["text"]))
        .before(["patch", "remove"], own)
        .before(["create", "patch", "remove"], whole)
        .after("all", with_authors)
        .publish(|event, app| audience(&event.data, app));
    Ok(())
}

/// Sets the author. The room must be there.
async fn sign(ctx: &mut Context) -> Result<()> {
    let User { id, .. } = ctx.params.user_as()?;
    let data = ctx.data.object_mut()?;
    data.insert("userId".to_owned(), id.into());
    let room = data.get("room").and_then(Value::as_i64);
    rooms::check(room, ctx.app()).await
}

/// Finds the caller's own messages only.
async fn own(ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        let User { id, .. } = ctx.params.user_as()?;
        ctx.params.query.insert("userId".to_owned(), id.into());
    }
    Ok(())
}

/// Puts the author on each message, with one look-up for a whole page.
async fn with_authors(ctx: &mut Context) -> Result<()> {
    let users = ctx.app().typed::<User>("users")?;
    let is_page = *ctx.method() == Method::Find;
    let Some(result) = &mut ctx.result else { return Ok(()) };
    let result = result.value_mut()?;
    let messages = match result.get_mut("data") {
        Some(Value::Array(page)) if is_page => page.as_mut_slice(),
        _ => slice::from_mut(result),
    };
    let ids: BTreeSet<i64> = messages.iter().filter_map(|message| message["userId"].as_i64()).collect();
    let authors = users.find(json!({ "id": { "$in": ids } })).await?;
    let authors: HashMap<i64, Profile> = authors.iter().map(|user| (user.id, user.into())).collect();
    for message in messages {
        if let Some(author) = message["userId"].as_i64().and_then(|id| authors.get(&id)) {
            message["user"] = json!(author);
        }
    }
    Ok(())
}

/// Returns the channel that gets the events of a room.
fn audience(data: &Payload, app: &AppHandle) -> Option<Channel> {
    let room = data.value().ok()?.get("room")?;
    Some(app.channel(rooms::channel(room.as_i64())))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_millis);
    i64::try_from(since).unwrap_or(i64::MAX)
}
