//! A rule of `require` says of which type the user is.

use feathers::prelude::*;

fn main() {
    let mut app = App::new();
    app.before("all", hook::require(|user| user.is_admin()));
}
