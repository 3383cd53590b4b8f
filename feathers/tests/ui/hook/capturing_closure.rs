//! An async closure that captures is no hook.
//!
//! The message is the compiler's own, which the page about hooks quotes.

use feathers::prelude::*;

fn main() {
    let longest = 280;
    let mut app = App::new();
    app.before("create", async move |ctx: &mut Context| match ctx.data.to_bytes()?.len() > longest {
        true => Err(Error::bad_request("too long")),
        false => Ok(()),
    });
}
