//! Users: customers who ask, agents who answer, and admins.

use feathers::app::Access;
use feathers::prelude::*;
use feathers::query::Condition;
use serde_json::Value;

use crate::organisations::Organisation;

/// What a user is in the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, FieldType)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Opens tickets, and sees the own ones.
    Customer,
    /// Answers the tickets of the organisation.
    Agent,
    /// Has users and removes tickets, too.
    Admin,
}

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    #[service(id)]
    pub(crate) id: i64,
    #[service(email, lowercase, trim, unique)]
    email: String,
    /// A hash, which never leaves the server.
    #[service(hidden)]
    password: String,
    #[service(length(1..=80))]
    name: String,
    #[service(default = Role::Customer)]
    role: Role,
    #[service(references(Organisation))]
    pub(crate) organisation_id: i64,
}

impl User {
    /// Tells whether the user answers tickets.
    pub(crate) fn is_staff(&self) -> bool {
        self.role != Role::Customer
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// What colleagues see of a user who is online.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    id: i64,
    name: String,
    role: Role,
    organisation_id: i64,
}

impl From<&User> for Profile {
    fn from(user: &User) -> Self {
        Self { id: user.id, name: user.name.clone(), role: user.role, organisation_id: user.organisation_id }
    }
}

/// Mounts the service `users`: they see those of their organisation, and its admins have them.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    let access = Access::of::<User>()
        .read(colleagues)
        .create(|user| colleagues(user) & user.is_admin().into())
        .patch(|user| colleagues(user) & user.is_admin().into())
        .field(User::EMAIL, User::is_staff);
    app.service("users", db.store::<User>().await?.paginate(Paginate::new(50).max(100)))
        .access(access)
        .before(["create", "patch"], hash_password("password"));
    Ok(())
}

/// Mounts the service `presence`: who of the own organisation is online.
pub(crate) fn mount_presence(app: &mut App) {
    app.presence("presence")
        .of::<User>()
        .show::<Profile>()
        .before("find", of_organisation)
        .publish(|event, app| event.data.value().ok().map(|user| app.channel(channel(&user["organisationId"]))));
    app.on_login(|login, app| {
        if let Some(connection) = login.connection()
            && let Ok(user) = connection.user_as::<User>()
        {
            app.channel(channel(&user.organisation_id.into())).join(connection);
        }
    });
}

/// Lists only colleagues.
async fn of_organisation(ctx: &mut Context) -> Result<()> {
    let user: User = ctx.params.user_as()?;
    ctx.params.query.insert("organisationId".to_owned(), user.organisation_id.into());
    Ok(())
}

fn channel(organisation: &Value) -> String {
    format!("organisations/{organisation}")
}

fn colleagues(user: &User) -> Condition<User> {
    User::ORGANISATION_ID.eq(user.organisation_id)
}
