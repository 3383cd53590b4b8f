//! Users: anyone may sign up, a logged-in user sees the others and changes the own password.

use feathers::hook::typed;
use feathers::prelude::*;
use md5::{Digest, Md5};

use crate::rooms;

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct User {
    #[service(id)]
    pub(crate) id: i64,
    #[service(email, lowercase, trim, unique, immutable, length(max = 254))]
    pub(crate) email: String,
    /// A hash, which never leaves the server.
    #[service(hidden)]
    password: String,
    /// The address of a picture, as Gravatar names it. Nothing here asks for it.
    #[service(computed = Self::avatar)]
    pub(crate) avatar: String,
    #[service(server, default = "user", one_of("user", "admin"))]
    pub(crate) role: String,
    /// Whether the user is kept out.
    #[service(server)]
    pub(crate) banned: bool,
}

impl User {
    fn avatar(&self) -> String {
        let hash = u128::from_be_bytes(Md5::digest(&self.email).into());
        format!("https://s.gravatar.com/avatar/{hash:032x}?s=60")
    }
}

/// What others see of a user beside a message and in the presence.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Profile {
    id: i64,
    email: String,
    avatar: String,
}

impl From<&User> for Profile {
    fn from(user: &User) -> Self {
        Self { id: user.id, email: user.email.clone(), avatar: user.avatar() }
    }
}

/// Mounts the service `users`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    app.service("users", db.store::<User>().await?.paginate(Paginate::new(10).max(50)))
        .methods(["find", "get", "create", "patch"])
        .before(["find", "get", "patch"], authenticate("jwt"))
        .before("patch", own_record)
        .before("create", typed(first_is_admin))
        .before(["create", "patch"], hash_password("password"))
        .publish(|_event, app| app.channel(rooms::channel(None)));
    Ok(())
}

/// Users change their own record only.
async fn own_record(ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        let User { id, .. } = ctx.params.user_as()?;
        ctx.params.query.insert("id".to_owned(), id.into());
    }
    Ok(())
}

/// Makes the first user an admin.
async fn first_is_admin(user: &mut UserDraft, ctx: &mut Context) -> Result<()> {
    if ctx.app().typed::<User>("users")?.page(1, 0, ()).await?.total == 0 {
        user.role = Some("admin".to_owned());
    }
    Ok(())
}
