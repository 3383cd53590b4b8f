//! The hook that hashes the password in the data of a call.

use feathers_core::{Context, Error, Hook, Method, Payload, Result, async_trait};
use serde_json::Value;

use crate::auth::{Auth, Hashed};
use crate::strategy::at;

/// Hashes a field of the data: `before(["create", "update", "patch"], hash_password("password"))` on the service of
/// users.
///
/// A name with dots leads into an object, as in the configuration of logins.
/// A password that is no text, too short or too long is a 400. Data without the field passes as it is.
/// A hash costs much, so it is made last: when all other before hooks have let the call through, and the service would
/// take it. Until then the data holds the password as it was sent. Each counts as a try to log in: past
/// [`LimitConfig`](crate::LimitConfig) a call from outside is a 429.
/// Once a changed password is stored, all logins of its user are revoked.
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
            // The same password in another form: no event is needed.
            ctx.event = None;
            return Ok(());
        }
        if ctx.app().get::<Auth>().is_none() {
            return Err(Error::general("hash_password needs the plugin `Authentication`"));
        }
        let holds = |item: &Value| item.as_object().is_some_and(|item| at(item, &self.field).is_some());
        if items(ctx.data.value()?).iter().any(holds) {
            ctx.defer(Hashing { field: self.field.clone() });
        }
        Ok(())
    }
}

/// Hashes what is in the field when everything else is settled.
struct Hashing {
    field: String,
}

#[async_trait]
impl Hook for Hashing {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        let Some(auth) = ctx.app().get::<Auth>().cloned() else { return Ok(()) };
        let hasher = auth.passwords()?;
        let mut data = ctx.data.value()?.clone();
        let mut passwords = Vec::new();
        for (index, item) in items_mut(&mut data).iter_mut().enumerate() {
            let Some(field) = field_mut(item, &self.field) else { continue };
            let password = field.as_str();
            let password = password.ok_or_else(|| Error::bad_request(format!("`{}` must be a text", self.field)))?;
            hasher.check(password)?;
            passwords.push((index, std::mem::replace(field, hasher.stand_in().into())));
        }
        if passwords.is_empty() {
            return Ok(());
        }
        ctx.check(Payload::from(data.clone())).await?;
        for (index, _) in &passwords {
            auth.limits().login(&account(ctx, &data, *index, &auth), &ctx.params)?;
        }
        for (index, password) in passwords {
            let hash = hasher.hash(password.as_str().unwrap_or_default()).await?;
            let item = items_mut(&mut data).get_mut(index);
            if let Some(field) = item.and_then(|item| field_mut(item, &self.field)) {
                *field = hash.into();
            }
        }
        ctx.data = Payload::from(data);
        ctx.params.insert(NewPassword);
        Ok(())
    }
}

/// Names whose password it is, for counting.
fn account(ctx: &Context, data: &Value, index: usize, auth: &Auth) -> String {
    let local = &auth.config().local;
    let field = local.entity_username_field.as_ref().unwrap_or(&local.username_field);
    let item = items(data).get(index).and_then(Value::as_object);
    match (ctx.method(), &ctx.id) {
        (Method::Create, _) | (_, None) => {
            item.and_then(|item| at(item, field)?.as_str()).unwrap_or_default().to_owned()
        }
        (_, Some(id)) => format!("id {id}"),
    }
}

/// Returns the elements of a list; any other value is the only element.
fn items(data: &Value) -> &[Value] {
    match data {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn items_mut(data: &mut Value) -> &mut [Value] {
    match data {
        Value::Array(items) => items,
        one => std::slice::from_mut(one),
    }
}

fn field_mut<'a>(item: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(item, |item, name| item.as_object_mut()?.get_mut(name))
}
