//! The hook that hashes the password in the data of a call.

use feathers_core::{Context, Error, Hook, Payload, Result, async_trait};
use serde_json::Value;

use crate::auth::{Auth, Hashed};

/// Hashes a field of the data: `before(["create", "update", "patch"], hash_password("password"))` on the service of those
/// who log in.
///
/// A name with dots leads into an object, as in the configuration of logins.
/// A password that is no text, too short or too long is a 400. Data without the field passes as it is.
/// Once a changed password is stored, everything that its owner was logged in with is revoked.
pub fn hash_password(field: &str) -> HashPassword {
    HashPassword { field: field.to_owned() }
}

/// The hook that [`hash_password`] makes.
#[derive(Clone, Debug)]
pub struct HashPassword {
    field: String,
}

/// Says that a call changes a password.
#[derive(Clone)]
pub(crate) struct NewPassword;

#[async_trait]
impl Hook for HashPassword {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if ctx.params.get::<Hashed>().is_some() && !ctx.params.is_external() {
            // The same password in another form: nobody has to hear of it.
            ctx.event = None;
            return Ok(());
        }
        let Some(auth) = ctx.app().get::<Auth>().cloned() else {
            return Err(Error::general("hash_password needs the plugin `Authentication`"));
        };
        let mut data = ctx.data.value()?.clone();
        let mut changed = false;
        let items = match &mut data {
            Value::Array(items) => items.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        for item in items {
            let Some(password) = field_mut(item, &self.field) else { continue };
            let text =
                password.as_str().ok_or_else(|| Error::bad_request(format!("`{}` must be a text", self.field)))?;
            *password = auth.passwords()?.hash(text).await?.into();
            changed = true;
        }
        if changed {
            ctx.data = Payload::from(data);
            ctx.params.insert(NewPassword);
        }
        Ok(())
    }
}

fn field_mut<'a>(item: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(item, |item, name| item.as_object_mut()?.get_mut(name))
}
