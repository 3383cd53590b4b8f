//! Settings from the environment.

use feathers::prelude::*;

/// Returns the settings of authentication: `FEATHERS_SECRET` signs the tokens, `JWT_EXPIRES` is how long they are
/// valid.
///
/// Without a secret there is one for this run, so that the example starts with one command.
pub(crate) fn read() -> Result<AuthConfig> {
    let mut settings = AuthConfig::from_env()?;
    if settings.secret.is_none() {
        eprintln!("FEATHERS_SECRET is not set: a random one is used, and all logins end with this process");
        let random: [u128; 2] = rand::random();
        settings.secret = Some(random.map(|half| format!("{half:032x}")).concat().into());
    }
    // A logout is one of all tabs, since they share the token.
    settings.revoke_on_logout = true;
    Ok(settings)
}
