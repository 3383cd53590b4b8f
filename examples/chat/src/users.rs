//! Users: anyone may sign up, a logged-in user sees the others and changes the own password.

use feathers::prelude::*;
use serde_json::Value;

use crate::avatar;
use crate::one_at_a_time::OneAtATime;
use crate::only::{only, whole};

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct User {
    #[service(id)]
    pub(crate) id: i64,
    #[service(email, length(max = 254))]
    pub(crate) email: String,
    /// A hash, which never leaves the server.
    #[service(hidden)]
    password: String,
    /// The address of a picture.
    #[service(default)]
    pub(crate) avatar: String,
    #[service(default = "user", one_of("user", "admin"))]
    pub(crate) role: String,
    /// Whether the user is kept out.
    #[service(default)]
    pub(crate) banned: bool,
}

/// Mounts the service `users`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    app.service("users", db.store::<User>().await?.paginate(Paginate::new(10).max(50)))
        .methods(["find", "get", "create", "patch"])
        .around("create", OneAtATime::default())
        .before(["find", "get", "patch"], authenticate("jwt"))
        .before("create", only(["email", "password"]))
        .before("create", account)
        .before("patch", only(["password"]))
        .before("patch", himself)
        .before(["create", "patch"], hash_password("password"))
        .before(["create", "patch"], whole);
    Ok(())
}

/// Adds what the server knows of a new user. Addresses are there once, and the first user is an admin.
async fn account(ctx: &mut Context) -> Result<()> {
    let users = ctx.app().typed::<User>("users")?;
    let is_first = users.page(1, 0, ()).await?.total == 0;
    let data = ctx.data.object_mut()?;
    let Some(Value::String(email)) = data.get("email") else { return Ok(()) };
    if !users.find(json!({ "email": email })).await?.is_empty() {
        return Err(Error::conflict("a user with this e-mail address has signed up already"));
    }
    let avatar = avatar::url(email);
    data.insert("avatar".to_owned(), avatar.into());
    if is_first {
        data.insert("role".to_owned(), "admin".into());
    }
    Ok(())
}

/// Limits a call to the caller's own record.
async fn himself(ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        let User { id, .. } = ctx.params.user_as()?;
        ctx.params.query.insert("id".to_owned(), id.into());
    }
    Ok(())
}
