//! The chat of Feathers' guide: accounts, messages with their authors, rooms, who is online, who is typing, bans.

mod avatar;
mod bans;
mod email;
mod members;
mod messages;
mod one_at_a_time;
mod only;
mod presence;
mod profile;
mod rooms;
mod settings;
#[cfg(test)]
mod tests;
mod typing;
mod users;

use feathers::prelude::*;

/// Puts everything together.
async fn chat(db: &Database, settings: AuthConfig) -> Result<App> {
    let mut app = App::new();
    users::mount(&mut app, db).await?;
    rooms::mount(&mut app, db).await?;
    messages::mount(&mut app, db).await?;
    app.configure(members::mount);
    app.configure(typing::mount);
    app.configure(bans::mount);
    app.configure(presence::mount);

    app.configure(Authentication::new(settings).jwt().local("email").check_user(bans::keep_out));
    app.before("create", email::in_small_letters);

    // A logged-in user gets all events that have no narrower channel.
    app.publish(|_event, app| app.channel("authenticated"));
    app.on_login(|login, app| {
        if let Some(connection) = login.connection() {
            app.channel("authenticated").join(connection);
        }
    });
    Ok(app)
}

#[tokio::main]
async fn main() -> Result<()> {
    let db = Database::from_env("sqlite:chat.db").await?;
    let app = chat(&db, settings::read()?).await?;
    Server::new(app).public(concat!(env!("CARGO_MANIFEST_DIR"), "/public")).listen().await
}
