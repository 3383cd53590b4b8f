//! The routes through the framework: a derive, a store in memory, nothing else.

use feathers::prelude::*;

use crate::message::{Message, SEED, seed};
use crate::process::Outcome;

/// Whether hooks and a publisher run as well.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Hooks {
    None,
    Some,
}

async fn pass(_ctx: &mut Context) -> Result<()> {
    Ok(())
}

pub(crate) async fn serve(hooks: Hooks) -> Outcome {
    let mut app = App::new();
    let messages = app.service("messages", Memory::<Message>::new().paginate(Paginate::new(10).max(50)));
    if hooks == Hooks::Some {
        messages.before("all", pass).after("all", pass).publish(|_event, app| app.channel("nobody"));
    }
    let running = Server::new(app).start().await?;
    let messages = running.handle().typed::<Message>("messages")?;
    for number in 0..SEED {
        messages.create(seed(number), ()).await?;
    }
    crate::process::announce(running.addr());
    std::future::pending().await
}

/// Serves messages whose events go to every connection.
pub(crate) async fn serve_realtime() -> Outcome {
    let mut app = App::new();
    app.service("messages", Memory::<Message>::new()).publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    let running = Server::new(app).start().await?;
    crate::process::announce(running.addr());
    std::future::pending().await
}
