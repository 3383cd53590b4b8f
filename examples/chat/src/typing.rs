//! Who is typing: `create` on `typing` has `messages` emit the event `typing`. Nothing is stored.

use feathers::Method;
use feathers::app::Descriptor;
use feathers::prelude::*;

use crate::profile::Profile;
use crate::rooms;
use crate::users::User;

/// The room in which the caller is typing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    room: Option<i64>,
}

struct Typing;

#[async_trait]
impl Service for Typing {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::default().method(Method::Create, "Tells the others that the caller is typing.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let Place { room } = request.data.decode()?;
        rooms::check(room, request.app).await?;
        let user = Profile::from(&request.params.user_as::<User>()?);
        let typing = Payload::from(json!({ "room": room, "user": user }));
        request.app.service("messages")?.emit("typing", typing.clone());
        Ok(typing)
    }
}

/// Mounts the service `typing`.
pub(crate) fn mount(app: &mut App) {
    app.service("typing", Typing).before("all", authenticate("jwt")).service_events::<&str>([]);
}
