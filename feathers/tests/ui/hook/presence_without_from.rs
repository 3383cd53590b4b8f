//! What a presence shows is made of the user.

use feathers::prelude::*;

#[derive(Deserialize)]
struct User {
    id: i64,
}

#[derive(Serialize)]
struct Profile {
    id: i64,
}

fn main() {
    let mut app = App::new();
    app.presence("presence").of::<User>().show::<Profile>();
}
