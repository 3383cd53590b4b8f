//! Bans: an admin's `create` keeps a user out, `remove` lets the user in again.

use feathers::Method;
use feathers::app::Descriptor;
use feathers::prelude::*;

use crate::profile::Profile;
use crate::users::User;

/// The user to ban.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Ban {
    user_id: i64,
}

struct Bans;

#[async_trait]
impl Service for Bans {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::default().method(Method::Create, "Bans a user.").method(Method::Remove, "Lifts a ban.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let (id, banned) = match request.method {
            Method::Create => (request.data.decode::<Ban>()?.user_id.into(), true),
            Method::Remove => (request.require_id()?, false),
            _ => return request.unknown_method(),
        };
        let users = request.app.service("users")?;
        if users.get(id.clone(), ()).await?.decode::<User>()?.role == "admin" {
            return Err(Error::bad_request("an admin cannot be banned"));
        }
        // `banned` is a permission field: when it changes, each of the user's connections is checked again.
        let user: User = users.patch(id, json!({ "banned": banned }), ()).await?.decode()?;
        Ok(Payload::new(Profile::from(&user)))
    }
}

/// Mounts the service `bans`.
pub(crate) fn mount(app: &mut App) {
    app.service("bans", Bans).before("all", authenticate("jwt")).before("all", admins_only).service_events::<&str>([]);
}

async fn admins_only(ctx: &mut Context) -> Result<()> {
    let User { role, .. } = ctx.params.user_as()?;
    if role == "admin" { Ok(()) } else { Err(Error::forbidden("only an admin may do that")) }
}

/// Keeps banned users out: from logins, from calls and from events.
pub(crate) fn keep_out(user: &Payload) -> Result<()> {
    let User { banned, .. } = user.decode()?;
    if banned { Err(Error::forbidden("you are banned")) } else { Ok(()) }
}
