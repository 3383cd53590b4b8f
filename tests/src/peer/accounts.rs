//! Accounts: users, logins, and a service behind a login.
//!
//! The recorded server has a user from the start, and so has this one.

use std::env;

use feathers::Result;
use feathers::auth::{HashPassword, LimitConfig};
use feathers::call::Provider;
use feathers::prelude::*;
use serde_json::{Map, Value};

use super::limits::read;

/// Signs the tokens of tests; a real app has no such line.
const SECRET: &str = "the peer's secret, which everybody may know";

/// How often a login may be tried in a minute.
const LOGIN_LIMIT: &str = "LOGIN_LIMIT";

/// A user who can log in.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    email: String,
    #[service(id)]
    id: i64,
    #[service(hidden)]
    password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

/// Mounts users, authentication and the service behind it; `FEATHERS_SECRET` and `JWT_EXPIRES` change the tokens.
pub(super) fn mount(app: &mut App) -> Result<()> {
    let users = Memory::<User>::new().client_ids(true).paginate(Paginate::new(10).max(20));
    app.service("users", users)
        .before(["create", "update", "patch"], Import(hash_password("password")))
        .before("get", scheme::ask)
        .after("get", scheme::show);
    app.configure(Authentication::new(config()?).local("email").jwt());
    app.service("dummy", Dummy).before("all", authenticate("jwt"));
    // Only logged-in users get news.
    app.service("news", Memory::<Document>::new().client_ids(true)).publish(|_, app| app.channel("authenticated"));
    app.on_login(|login, app| {
        if let Some(connection) = login.connection() {
            app.channel("authenticated").join(connection);
        }
    });
    app.around_setup(|app, next| async move {
        next.run().await?;
        let user = json!({ "id": 0, "email": "hello@feathersjs.com", "password": "supersecret" });
        app.service("users")?.create(user, ()).await.map(drop)
    });
    Ok(())
}

fn config() -> Result<AuthConfig> {
    let mut config = AuthConfig::from_env()?;
    if env::var_os("FEATHERS_SECRET").is_none() {
        config.secret = Some(SECRET.into());
    }
    // The recorded server writes no issuer, and does not count tries.
    config.jwt.issuer = None;
    let mut limits = LimitConfig::default();
    let limit = read(LOGIN_LIMIT)?.unwrap_or(0);
    (limits.account, limits.address) = (limit, limit);
    config.limits = limits;
    Ok(config)
}

/// Hashes passwords, but for users who are moved here with their hashes: `?hashed=true`. No real app lets clients do
/// this.
struct Import(HashPassword);

#[async_trait]
impl Hook for Import {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        match ctx.params.query.remove("hashed") {
            Some(_) => Ok(()),
            None => self.0.run(ctx).await,
        }
    }
}

mod scheme {
    //! Shows how a password is hashed, with `?scheme=true`, without showing the hash.

    use feathers::prelude::*;

    #[derive(Clone)]
    struct Asked;

    pub(super) async fn ask(ctx: &mut Context) -> Result<()> {
        if ctx.params.query.remove("scheme").is_some() {
            ctx.params.insert(Asked);
        }
        Ok(())
    }

    pub(super) async fn show(ctx: &mut Context) -> Result<()> {
        if ctx.params.get::<Asked>().is_none() {
            return Ok(());
        }
        let id = ctx.id.clone().ok_or_else(|| Error::bad_request("which user?"))?;
        let user = ctx.app().service("users")?.get(id, ()).await?;
        let scheme: Vec<&str> = user.value()?["password"].as_str().unwrap_or_default().splitn(3, '$').collect();
        ctx.result = Some(json!({ "scheme": scheme[..2].join("$") }).into());
        Ok(())
    }
}

/// Answers with the user of the call.
struct Dummy;

#[service]
impl Dummy {
    async fn find(&self, params: &Params) -> Result<Value> {
        let user = safe(params)?;
        Ok(json!({ "user": user, "auth": params.authenticated().is_some() }))
    }

    async fn get(&self, id: Id, params: &Params) -> Result<Value> {
        let mut shown = Map::new();
        shown.insert("query".into(), params.query.clone().into());
        shown.insert("provider".into(), json!(params.provider.map(Provider::name)));
        shown.insert("user".into(), safe(params)?);
        Ok(json!({ "id": id, "params": shown }))
    }
}

/// Returns the part of the user that clients may see.
fn safe(params: &Params) -> Result<Value> {
    let Some(user) = params.user() else { return Ok(Value::Null) };
    let mut user = user.value()?.clone();
    if let Some(fields) = user.as_object_mut() {
        fields.shift_remove("password");
    }
    Ok(user)
}
