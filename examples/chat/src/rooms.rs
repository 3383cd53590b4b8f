//! Rooms: places to talk in, besides the one that all users are in.

use feathers::prelude::*;

/// A room.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Room {
    #[service(id)]
    id: i64,
    #[service(length(1..=40))]
    name: String,
}

/// Mounts the service `rooms`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    app.service("rooms", db.store::<Room>().await?)
        .methods(["find", "get", "create"])
        .before("all", authenticate("jwt"));
    Ok(())
}

/// Fails if the room is not there; no room is always there.
pub(crate) async fn check(room: Option<i64>, app: &AppHandle) -> Result<()> {
    match room {
        Some(id) => app.typed::<Room>("rooms")?.get(id, ()).await.map(drop),
        None => Ok(()),
    }
}

/// Names the channel of a room; without a room it is that of all logged-in users.
pub(crate) fn channel(room: Option<i64>) -> String {
    room.map_or_else(|| "authenticated".to_owned(), |id| format!("rooms/{id}"))
}
