//! Rooms: places to talk in, besides the one that all users are in.

use feathers::app::Access;
use feathers::prelude::*;

use crate::users::User;

/// A room.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct Room {
    #[service(id)]
    id: i64,
    #[service(length(1..=40))]
    name: String,
}

/// The placeholder of `rooms/:roomId/members`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    room_id: i64,
}

/// The members of a room are connections, not records: a client that reconnects joins again.
struct Members;

#[service]
impl Members {
    /// Joins the room with the connection of the caller.
    async fn create(&self, _: Payload, Route(at): Route<Place>, caller: &Connection, app: &AppHandle) -> Result<()> {
        check(at.room_id, app).await?;
        app.channel(channel(Some(at.room_id))).join(caller);
        Ok(())
    }

    /// Leaves the room.
    async fn remove(&self, _: Option<Id>, Route(at): Route<Place>, caller: &Connection, app: &AppHandle) -> Result<()> {
        app.channel(channel(Some(at.room_id))).leave(caller);
        Ok(())
    }
}

/// Mounts the services `rooms` and `rooms/:roomId/members`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    app.service("rooms", db.store::<Room>().await?).access(Access::of::<User>().read(|_| true).create(|_| true));
    app.service("rooms/:roomId/members", Members).before("all", authenticate("jwt")).service_events::<&str>([]);
    Ok(())
}

/// Fails if the room is not there.
pub(crate) async fn check(room: i64, app: &AppHandle) -> Result<()> {
    app.typed::<Room>("rooms")?.get(room, ()).await.map(drop)
}

/// Names the channel of a room; without a room it is that of all logged-in users.
pub(crate) fn channel(room: Option<i64>) -> String {
    room.map_or_else(|| "authenticated".to_owned(), |id| format!("rooms/{id}"))
}
