//! The chat of Feathers' guide: accounts, messages with their authors, rooms, who is online, who is typing, bans.

mod bans;
mod messages;
mod rooms;
#[cfg(test)]
mod tests;
mod users;

use feathers::prelude::*;

use crate::users::{Profile, User};

/// Puts everything together.
async fn chat(db: &Database, mut settings: AuthConfig) -> Result<App> {
    // A logout is one of all tabs, since they share the token.
    settings.revoke_on_logout = true;
    let mut app = App::new();
    users::mount(&mut app, db).await?;
    rooms::mount(&mut app, db).await?;
    messages::mount(&mut app, db).await?;
    app.configure(bans::mount);
    app.presence("presence").of::<User>().show::<Profile>();
    app.configure(Authentication::new(settings).jwt().local("email").check_user(bans::keep_out));

    // A logged-in user gets what is said in no room.
    app.on_login(|login, app| {
        if let Some(connection) = login.connection() {
            app.channel(rooms::channel(None)).join(connection);
        }
    });
    Ok(app)
}

#[tokio::main]
async fn main() -> Result<()> {
    let db = Database::from_env("sqlite:chat.db").await?;
    let app = chat(&db, AuthConfig::from_env()?.or_random_secret()).await?;
    Server::new(app).public(concat!(env!("CARGO_MANIFEST_DIR"), "/public")).listen().await
}
