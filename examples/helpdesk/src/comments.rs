//! Comments: what is said of a ticket. Internal ones are for the staff alone.

use feathers::app::Access;
use feathers::hook::typed;
use feathers::prelude::*;
use feathers::query::Condition;
use feathers::schema::Related;
use jiff::Timestamp;

use crate::tickets::Ticket;
use crate::users::User;

/// A comment on a ticket. It has what the rules need of its ticket.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Comment {
    #[service(id)]
    id: i64,
    #[service(immutable, references(Ticket, on_delete = cascade))]
    ticket_id: i64,
    #[service(server)]
    organisation_id: i64,
    #[service(server)]
    requester_id: i64,
    #[service(set = current_user, references(User))]
    author_id: i64,
    #[service(belongs_to(author_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    author: Related<User>,
    #[service(length(1..=2_000))]
    text: String,
    #[service(default)]
    internal: bool,
    #[service(created_at)]
    created_at: Timestamp,
}

/// Mounts the service `comments`.
pub(crate) async fn mount(app: &mut App, db: &Database) -> Result<()> {
    let access = Access::of::<User>().read(visible).create(visible).patch(own).remove(own);
    app.service("comments", db.store::<Comment>().await?.paginate(Paginate::new(50).max(100)))
        .access(access)
        .populate([("author", ["name"])])
        .before("create", typed(of_ticket));
    Ok(())
}

fn visible(user: &User) -> Condition<Comment> {
    if user.is_staff() {
        Comment::ORGANISATION_ID.eq(user.organisation_id)
    } else {
        Comment::REQUESTER_ID.eq(user.id) & Comment::INTERNAL.eq(false)
    }
}

/// Authors change their own, as far as they see them: a customer cannot make one internal.
fn own(user: &User) -> Condition<Comment> {
    visible(user) & Comment::AUTHOR_ID.eq(user.id)
}

/// Copies what the rules need of the ticket, which the author has to see.
async fn of_ticket(comment: &mut CommentDraft, ctx: &mut Context) -> Result<()> {
    let ticket: Ticket =
        ctx.app().service("tickets")?.get(comment.ticket_id, ctx.params.as_caller()).await?.decode()?;
    comment.organisation_id = Some(ticket.organisation_id);
    comment.requester_id = Some(ticket.requester_id);
    Ok(())
}
