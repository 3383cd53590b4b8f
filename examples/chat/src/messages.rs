//! Messages: all users read them, their authors change and remove them. The event `typing` says who writes one.

use feathers::app::Access;
use feathers::prelude::*;
use feathers::schema::Related;

use crate::rooms::{self, Room};
use crate::users::{Profile, User};

/// A message of a user.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[service(id)]
    id: i64,
    #[service(length(1..=2_000))]
    text: String,
    /// In milliseconds since 1970.
    #[service(created_at)]
    created_at: i64,
    #[service(set = current_user)]
    user_id: i64,
    #[service(belongs_to(user_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    user: Related<User>,
    /// The room; without one, all logged-in users get the message.
    #[service(immutable, references(Room))]
    room: Option<i64>,
}

/// The room in which the caller is typing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    room: Option<i64>,
}

struct Typing;

#[service]
impl Typing {
    /// Tells the others that the caller is typing. Nothing is stored.
    async fn create(&self, data: Place, Caller(user): Caller<User>, app: &AppHandle) -> Result<()> {
        if let Some(room) = data.room {
            rooms::check(room, app).await?;
        }
        app.service("messages")?.emit("typing", json!({ "room": data.room, "user": Profile::from(&user) }));
        Ok(())
    }
}

/// Mounts the services `messages` and `typing`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    let own = |user: &User| Message::USER_ID.eq(user.id);
    app.service("messages", db.store::<Message>().await?.paginate(Paginate::new(10).max(50)))
        .methods(["find", "get", "create", "patch", "remove"])
        .access(Access::of::<User>().read(|_| true).create(|_| true).patch(own).remove(own))
        .populate([("user", ["email", "avatar"])])
        .events(["typing"])
        .publish(|event, app| Some(app.channel(rooms::channel(event.data.value().ok()?.get("room")?.as_i64()))));
    app.service("typing", Typing).before("all", authenticate("jwt")).service_events::<&str>([]);
    Ok(())
}
