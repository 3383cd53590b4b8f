//! Seed: two organisations with their people and a few tickets, for an empty database.

use feathers::app::Lifecycle;
use feathers::prelude::*;
use serde_json::Value;

/// The password of all people of the example.
pub(crate) const PASSWORD: &str = "helpdesk";

/// Their names, roles and organisations.
const PEOPLE: [(&str, &str, &str); 6] = [
    ("Cara", "customer", "acme"),
    ("Dave", "customer", "acme"),
    ("Alan", "agent", "acme"),
    ("Root", "admin", "acme"),
    ("Gwen", "customer", "globex"),
    ("Gus", "agent", "globex"),
];

/// Sows once all services are set up.
pub(crate) async fn sow(app: AppHandle, next: Lifecycle) -> Result<()> {
    next.run().await?;
    if app.service("organisations")?.find(()).await?.value()?.as_array().is_some_and(|all| !all.is_empty()) {
        return Ok(());
    }
    for name in ["acme", "globex"] {
        app.service("organisations")?.create(json!({ "name": name }), ()).await?;
    }
    for (name, role, organisation) in PEOPLE {
        let organisation_id = if organisation == "acme" { 1 } else { 2 };
        let email = format!("{name}@{organisation}.example");
        let user = json!({
            "email": email, "password": PASSWORD, "name": name, "role": role, "organisationId": organisation_id,
        });
        let user = app.service("users")?.create(user, ()).await?;
        if role == "customer" {
            ticket(&app, user.value()?).await?;
        }
    }
    Ok(())
}

async fn ticket(app: &AppHandle, user: &Value) -> Result<()> {
    let (requester, organisation) = (&user["id"], &user["organisationId"]);
    let subject = format!("{} cannot print", user["name"].as_str().unwrap_or_default());
    let ticket =
        json!({ "subject": subject, "requesterId": requester, "organisationId": organisation, "cost": "19.90" });
    app.service("tickets")?.create(ticket, ()).await.map(drop)
}
