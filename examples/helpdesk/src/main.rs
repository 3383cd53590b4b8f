//! A helpdesk for two organisations: customers, agents and admins see one list of tickets, each what they may.

mod attachments;
mod comments;
mod organisations;
mod seed;
#[cfg(test)]
mod tests;
mod tickets;
mod users;

use std::path::PathBuf;

use feathers::prelude::*;

/// Puts everything together; attached files are kept in the folder.
async fn helpdesk(db: &Database, settings: AuthConfig, folder: PathBuf) -> Result<Server> {
    let mut app = App::new();
    organisations::mount(&mut app, db).await?;
    users::mount(&mut app, db).await?;
    tickets::mount(&mut app, db).await?;
    comments::mount(&mut app, db).await?;
    attachments::mount(&mut app, db).await?;
    users::mount_presence(&mut app);
    app.configure(Authentication::new(settings).jwt().local("email"));
    app.around_setup(seed::sow);
    Ok(Server::new(app).max_body(attachments::MAX_FILE).merge(attachments::routes(folder)))
}

#[tokio::main]
async fn main() -> Result<()> {
    let db = Database::from_env("sqlite:helpdesk.db").await?;
    let server = helpdesk(&db, AuthConfig::from_env()?.or_random_secret(), "helpdesk-files".into()).await?;
    server.public(concat!(env!("CARGO_MANIFEST_DIR"), "/public")).listen().await
}
