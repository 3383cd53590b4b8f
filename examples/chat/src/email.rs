//! E-mail addresses, which are the same in capitals.

use feathers::prelude::*;
use serde_json::Value;

/// Writes the address of a new account, or of a login, in small letters.
pub(crate) async fn in_small_letters(ctx: &mut Context) -> Result<()> {
    if let Ok(data) = ctx.data.object_mut()
        && let Some(Value::String(email)) = data.get_mut("email")
    {
        *email = email.trim().to_lowercase();
    }
    Ok(())
}
