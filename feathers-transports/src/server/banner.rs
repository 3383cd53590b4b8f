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
    text
}
