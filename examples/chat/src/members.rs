//! The members of rooms: `create` joins a room, `remove` leaves it.
//!
//! They are connections, not records: a client that reconnects joins again.

use feathers::Method;
use feathers::app::Descriptor;
use feathers::prelude::*;

use crate::profile::Profile;
use crate::rooms;
use crate::users::User;

struct Members;

#[async_trait]
impl Service for Members {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::default()
            .method(Method::Create, "Joins the room with the connection of the caller.")
            .method(Method::Remove, "Leaves the room.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let Request { app, params, .. } = &request;
        let room = params.route.value("roomId").and_then(|id| id.parse().ok());
        let room = room.ok_or_else(|| Error::not_found("a room has a number"))?;
        rooms::check(Some(room), app).await?;
        let connection =
            params.connection.as_ref().ok_or_else(|| Error::bad_request("only a connection joins rooms"))?;
        let channel = app.channel(rooms::channel(Some(room)));
        match request.method {
            Method::Create => channel.join(connection),
            Method::Remove => channel.leave(connection),
            _ => return request.unknown_method(),
        }
        Ok(Payload::new(Profile::from(&params.user_as::<User>()?)))
    }
}

/// Mounts the service `rooms/:roomId/members`.
pub(crate) fn mount(app: &mut App) {
    app.service("rooms/:roomId/members", Members).before("all", authenticate("jwt")).service_events::<&str>([]);
}
