//! Access rules beside hooks that answer in place of the method.

use super::*;

#[tokio::test]
async fn a_check_says_what_the_call_would_say() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    let rules = Access::of::<User>()
        .read(|user| Ticket::ORGANISATION_ID.eq(user.organisation_id))
        .remove(|user| Ticket::REQUESTER_ID.eq(user.id));
    // A hook that answers in place of the method asks first.
    app.service("tickets", Memory::<Ticket>::new().multi(true))
        .before("remove", async |ctx: &mut Context| {
            ctx.check(Payload::NULL).await?;
            ctx.result = Some(Payload::from(json!({ "soft": true })));
            Ok(())
        })
        .access(rules);
    let app = app.start().await.unwrap();
    three_tickets(&app).await;
    let customer = client(&app, 1, 1, Role::Customer).await;
    let tickets = customer.service("tickets");
    assert_eq!(code(tickets.remove(Id::from(3)).await), 404);
    assert_eq!(code(tickets.remove(Id::from(2)).await), 403);
    assert_eq!(tickets.remove(Id::from(1)).await.unwrap(), json!({ "soft": true }));
}

#[tokio::test]
async fn what_a_hook_answers_is_looked_through_like_what_a_custom_method_answers() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.service("tickets", Memory::<Ticket>::new().multi(true))
        .before(["find", "get"], async |ctx: &mut Context| {
            if ctx.params.is_external() {
                let all = ctx.app().typed::<Ticket>("tickets")?.find(()).await?;
                ctx.result = Some(match ctx.method() {
                    Method::Find => Payload::new(all),
                    _ => Payload::new(all[1].clone()),
                });
            }
            Ok(())
        })
        .access(rules_of_requesters());
    let app = app.start().await.unwrap();
    three_tickets(&app).await;
    let customer = client(&app, 1, 1, Role::Customer).await;
    let found = customer.service("tickets").find().await.unwrap();
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"], found[0].get("cost")), (1, &json!(1), None));
    assert_eq!(customer.service("tickets").get(2).await.unwrap(), Value::Null);
}

fn rules_of_requesters() -> Access<Ticket, User> {
    Access::of::<User>().read(|user| Ticket::REQUESTER_ID.eq(user.id)).field(Ticket::COST, User::is_staff)
}
