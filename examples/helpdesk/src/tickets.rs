//! Tickets: what a customer asks, until an agent has answered it.

use feathers::app::Access;
use feathers::hook::typed;
use feathers::prelude::*;
use feathers::query::Condition;
use feathers::schema::Related;
use feathers::store::{Crud, SqlStore};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::organisations::Organisation;
use crate::users::User;

/// How far a ticket is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FieldType)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    #[default]
    Open,
    Closed,
}

/// A question of a customer.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticket {
    #[service(id)]
    pub(crate) id: i64,
    #[service(length(1..=120), trim)]
    subject: String,
    #[service(default)]
    status: Status,
    #[service(server, references(Organisation))]
    pub(crate) organisation_id: i64,
    #[service(set = current_user, references(User))]
    pub(crate) requester_id: i64,
    #[service(belongs_to(requester_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    requester: Related<User>,
    due_at: Option<Timestamp>,
    /// What the work has cost: for the staff alone.
    #[service(scale = 2)]
    cost: Option<Decimal>,
    #[service(created_at)]
    created_at: Timestamp,
    #[service(version)]
    version: i64,
}

/// Tickets with the methods of the store, and one more.
struct Tickets {
    records: Crud<SqlStore<Ticket>>,
}

/// The ticket to close.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    id: i64,
}

#[service(over = records, record = Ticket)]
impl Tickets {
    /// Closes a ticket.
    #[method]
    async fn close(&self, data: Close, app: &AppHandle) -> Result<Ticket> {
        let closed = TicketPatch { status: Some(Status::Closed), ..TicketPatch::default() };
        app.typed::<Ticket>("tickets")?.patch(data.id, closed, ()).await
    }
}

/// Mounts the service `tickets`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    let staff = |user: &User| of_organisation(user) & user.is_staff().into();
    let access = Access::of::<User>()
        .read(|user| if user.is_staff() { of_organisation(user) } else { Ticket::REQUESTER_ID.eq(user.id) })
        .create(of_organisation)
        .patch(staff)
        .remove(|user| of_organisation(user) & user.is_admin().into())
        .method("close", staff)
        .field(Ticket::COST, User::is_staff);
    let records = db.store::<Ticket>().await?.paginate(Paginate::new(50).max(100));
    app.service("tickets", Tickets { records })
        .access(access)
        .populate([("requester", ["name"])])
        .before("create", typed(own_organisation));
    Ok(())
}

fn of_organisation(user: &User) -> Condition<Ticket> {
    Ticket::ORGANISATION_ID.eq(user.organisation_id)
}

/// A ticket is of the organisation of who opens it.
async fn own_organisation(ticket: &mut TicketDraft, ctx: &mut Context) -> Result<()> {
    if ctx.params.is_external() {
        ticket.organisation_id = Some(ctx.params.user_as::<User>()?.organisation_id);
    }
    Ok(())
}
