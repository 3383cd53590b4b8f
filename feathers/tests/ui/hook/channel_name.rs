//! A channel is named by texts or by parts that can be written.

use feathers::prelude::*;

struct Room;

fn main() {
    let mut app = App::new();
    app.on_connect(|connection, app| app.channel(("rooms", Room)).join(connection));
}
