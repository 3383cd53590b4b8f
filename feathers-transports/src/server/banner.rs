//! The lines that a server prints when it is ready: its address, and what it serves.

use std::fmt::Write;

use crate::server::Running;

/// Prints them.
#[expect(clippy::print_stdout, reason = "people and scripts that start a server read these lines")]
pub(super) fn print(running: &Running) {
    println!("{}", text(running));
}

fn text(running: &Running) -> String {
    let mut text = format!("listening on {}", running.url());
    let services = running.handle().services();
    let width = services.iter().map(|service| service.path().len()).max().unwrap_or_default();
    let transports = running.transports().join(", ");
    for service in services.iter().filter(|service| !service.methods().is_empty()) {
        let methods: Vec<_> = service.methods().iter().map(feathers_core::Method::name).collect();
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  /{:width$}  {}  ({transports})", service.path(), methods.join(", "));
    }
    let open = services.iter().filter(|service| service.descriptor().schema.is_some() && !service.has_access());
    let open: Vec<_> =
        open.filter(|service| !service.methods().is_empty()).map(|it| format!("/{}", it.path())).collect();
    if !open.is_empty() {
        let _ = write!(text, "\n  without access rules: {}", open.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use feathers_core::{Access, App, Document, Memory};

    use super::text;
    use crate::Server;

    #[tokio::test]
    async fn the_lines_name_the_address_and_every_service() -> feathers_core::Result<()> {
        let mut app = App::new();
        app.service("todos", Memory::<Document>::new());
        app.service("people/:id/notes", Memory::<Document>::new()).methods(["find", "get"]);
        app.service("internal", Memory::<Document>::new()).methods([""; 0]);
        app.service("own", Memory::<Document>::new()).access(Access::of::<()>().read(|()| true));
        let running = Server::new(app).bind("127.0.0.1:0").start().await?;
        let text = text(&running);
        let lines: Vec<_> = text.lines().collect();
        let transports = running.transports().join(", ");
        assert_eq!(
            lines,
            [
                format!("listening on http://127.0.0.1:{}", running.addr().port()),
                format!("  /todos             find, get, create, update, patch, remove  ({transports})"),
                format!("  /people/:id/notes  find, get  ({transports})"),
                format!("  /own               find, get, create, update, patch, remove  ({transports})"),
                "  without access rules: /todos, /people/:id/notes".to_owned(),
            ]
        );
        running.stop().await
    }
}
