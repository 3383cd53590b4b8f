//! Organisations: nobody of one sees anything of another.

use feathers::app::Access;
use feathers::prelude::*;

use crate::users::User;

/// A company that has a helpdesk.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
pub(crate) struct Organisation {
    #[service(id)]
    pub(crate) id: i64,
    #[service(length(1..=80), trim, unique)]
    name: String,
}

/// Mounts the service `organisations`. Users see their own; the server alone makes them.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    app.service("organisations", db.store::<Organisation>().await?)
        .access(Access::of::<User>().read(|user| Organisation::ID.eq(user.organisation_id)));
    Ok(())
}
