//! Bans: an admin's `create` keeps a user out, `remove` lets the user in again.

use feathers::prelude::*;

use crate::users::{Profile, User};

/// The user to ban.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ban {
    user_id: i64,
}

struct Bans;

#[service]
impl Bans {
    /// Bans a user.
    async fn create(&self, data: Ban, app: &AppHandle) -> Result<Profile> {
        ban(data.user_id, true, app).await
    }

    /// Lifts a ban.
    async fn remove(&self, id: i64, app: &AppHandle) -> Result<Profile> {
        ban(id, false, app).await
    }
}

async fn ban(id: i64, banned: bool, app: &AppHandle) -> Result<Profile> {
    let users = app.service("users")?;
    if users.get(id, ()).await?.decode::<User>()?.role == "admin" {
        return Err(Error::bad_request("an admin cannot be banned"));
    }
    // `banned` is a permission field: when it changes, each of the user's connections is checked again.
    let user: User = users.patch(Id::from(id), json!({ "banned": banned }), ()).await?.decode()?;
    Ok(Profile::from(&user))
}

/// Mounts the service `bans`.
pub(crate) fn mount(app: &mut App) {
    let admins = hook::require(|user: &User| user.role == "admin");
    app.service("bans", Bans).before("all", admins).service_events::<&str>([]);
}

/// Keeps banned users out: from logins, from calls and from events.
pub(crate) fn keep_out(user: &Payload) -> Result<()> {
    let User { banned, .. } = user.decode()?;
    if banned { Err(Error::forbidden("you are banned")) } else { Ok(()) }
}
