//! The peer: an app with the services that the recorded Feathers server has, under the same paths.
//!
//! Some of them do odd things on purpose, such as failing in eleven ways; each shows one rule of the wire.

mod accounts;
mod control;
mod echo;
mod errors;
mod ev;
mod http;
mod limits;
mod people;
mod slow;
mod todos;
mod values;

use feathers::prelude::*;
use feathers::transports::{Cors, Running};
use feathers::{Method, Result};

/// Builds the peer's app.
pub fn app() -> Result<App> {
    let mut app = App::new();
    accounts::mount(&mut app)?;
    people::mount(&mut app);
    todos::mount(&mut app);
    app.service("echo", echo::Echo);
    app.service("users/:userId/messages", echo::Echo).methods(Method::STANDARD);
    app.service("findonly", FindOnly);
    app.service("values", values::Values);
    app.service("errors", errors::Errors);
    app.service("http", http::Http).after("all", http::shape);
    app.service("ev", ev::Ev).events(["customEvent"]).after("all", ev::shape);
    app.service("slow", slow::Slow);
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    app.publish(|_event, app| app.channel("everybody"));
    Ok(app)
}

/// Puts the peer's app behind a server that every page may call, as the recorded one does.
pub fn server() -> Result<Server> {
    Ok(Server::new(app()?).cors(Cors::any()))
}

/// Does the same with the limits that the environment sets; a limit that is no number is an error.
pub fn server_from_env() -> Result<Server> {
    Ok(limits::server(app()?)?.cors(Cors::any()))
}

/// Starts a peer in this process, on a port of its own.
pub async fn start() -> Running {
    server()
        .expect("settings that can be read")
        .bind("127.0.0.1:0")
        .start()
        .await
        .expect("a free port, and services that start")
}

/// Answers nothing but `find`, and that with nothing.
struct FindOnly;

#[service]
impl FindOnly {
    async fn find(&self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}
