//! The service of a presence: `find`, and the events `came` and `went`.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::engine::{PresenceEngine, PresenceEvent, Seat};
use crate::call::app::AppHandle;
use crate::call::context::Context;
use crate::call::method::Method;
use crate::call::service::{Descriptor, Request, Service};
use crate::data::error::{Error, Result};
use crate::data::mask::FieldMask;
use crate::data::payload::Payload;
use crate::data::query::{Query, QueryOptions, order};
use crate::data::record::{Document, Record};
use crate::event::channel::Channel;
use crate::event::connection::Connection;

/// The most users that one `find` from outside answers.
const MAX_SHOWN: usize = 10_000;

/// Where users are noted as they come and go. Clones are the same.
#[derive(Clone)]
pub(super) struct Place(Arc<Inner>);

struct Inner {
    engine: Arc<dyn PresenceEngine>,
    process: u128,
    /// Makes what is shown of the record of a user.
    show: fn(&Payload) -> Result<Payload>,
    /// The path as the app names it, which also names the channel of the logged-in users.
    mounted_at: String,
    /// The path, once the service is set up.
    path: OnceLock<String>,
}

impl Place {
    pub(super) fn new<U, P>(engine: Arc<dyn PresenceEngine>, path: &str) -> Self
    where
        U: DeserializeOwned + 'static,
        P: for<'u> From<&'u U> + Serialize + Send + Sync + 'static,
    {
        Self(Arc::new(Inner {
            engine,
            process: rand::random(),
            show: show::<U, P>,
            mounted_at: path.to_owned(),
            path: OnceLock::new(),
        }))
    }

    /// Returns the channel of the logged-in users.
    pub(super) fn channel(&self, app: &AppHandle) -> Channel {
        app.channel(("presence", &*self.0.mounted_at))
    }

    /// Notes a login.
    pub(super) async fn come(&self, connection: &Connection, app: &AppHandle) {
        let Some((user, record)) = connection.subject().zip(app.user_of(connection)) else { return };
        let came = async {
            let shown = (self.0.show)(&record)?;
            let seat = Seat::new(self.0.process, connection.number());
            self.0.engine.come(seat, &user, shown, &|event| self.tell(event, app)).await
        };
        if let Err(error) = came.await {
            failed(&error);
        }
        self.channel(app).join(connection);
        // It may have ended, or the user may have logged out, before it was noted.
        if connection.is_closed() || connection.subject().as_deref() != Some(&*user) {
            self.go(connection, app).await;
        }
    }

    /// Notes a logout, or the end of a connection.
    pub(super) async fn go(&self, connection: &Connection, app: &AppHandle) {
        let seat = Seat::new(self.0.process, connection.number());
        if let Err(error) = self.0.engine.go(seat, &|event| self.tell(event, app)).await {
            failed(&error);
        }
    }

    fn tell(&self, event: PresenceEvent, app: &AppHandle) {
        let Some(service) = self.0.path.get().and_then(|path| app.service(path).ok()) else { return };
        match event {
            PresenceEvent::Came(shown) => service.emit("came", shown),
            PresenceEvent::Went(shown) => service.emit("went", shown),
        }
    }
}

fn show<U, P>(record: &Payload) -> Result<Payload>
where
    U: DeserializeOwned + 'static,
    P: for<'u> From<&'u U> + Serialize + Send + Sync + 'static,
{
    let shown = match record.downcast_ref::<U>() {
        Some(user) => P::from(user),
        None => P::from(&record.decode::<U>()?),
    };
    // As text it is the same in every process.
    Ok(Payload::from(serde_json::to_value(shown)?))
}

fn failed(error: &Error) {
    tracing::error!(?error, "who is there could not be noted");
}

/// Refuses clients that are not logged in.
pub(super) async fn must_be_logged_in(ctx: &mut Context) -> Result<()> {
    if !ctx.params.is_external() {
        return Ok(());
    }
    let app = ctx.app().clone();
    app.verify(&mut ctx.params).await?;
    app.user(&ctx.params).map(drop).ok_or_else(|| Error::not_authenticated("Not authenticated"))
}

/// Says who is there.
pub(super) struct PresenceService(Place);

impl PresenceService {
    pub(super) fn new(place: Place) -> Self {
        Self(place)
    }

    async fn find(&self, request: &Request<'_>) -> Result<Payload> {
        let params = request.params;
        params.check()?;
        let all = self.0.0.engine.find().await?;
        let external = params.is_external();
        let too_many = |count: usize| external && count > MAX_SHOWN;
        let refused = || Error::bad_request(format!("more than {MAX_SHOWN} users are here: use $limit"));
        if params.query.is_empty() {
            let all = all.iter().map(|shown| shown.value().cloned()).collect::<Result<Vec<Value>>>()?;
            return if too_many(all.len()) { Err(refused()) } else { Ok(Value::Array(all).into()) };
        }
        let query = Query::parse(&params.query, &Document::schema(), &QueryOptions::default(), external)?;
        let mut matching = Vec::new();
        for shown in &all {
            let document: Document = shown.decode()?;
            if query.filter.matches(&|path| document.lookup(path)) {
                matching.push(document);
            }
        }
        matching.sort_by(|one, other| order(&query.sort, one, other));
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let page = matching.into_iter().skip(count(query.skip)).take(query.limit.map_or(usize::MAX, count));
        let page: Vec<Document> = page.collect();
        if too_many(page.len()) {
            return Err(refused());
        }
        let fields = |document: Document| match &query.select {
            None => document.0,
            Some(select) => {
                let mask = FieldMask::Only(select.iter().cloned().collect());
                document.0.into_iter().filter(|(name, _)| mask.allows(name)).collect()
            }
        };
        Ok(Value::Array(page.into_iter().map(|document| Value::Object(fields(document))).collect()).into())
    }
}

#[async_trait]
impl Service for PresenceService {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::default()
            .docs("The users who have a connection.")
            .method(Method::Find, "Returns the users who are here, those who came first first.")
            .events(["came", "went"])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        match request.method {
            Method::Find => self.find(&request).await,
            _ => request.unknown_method(),
        }
    }

    async fn setup(&self, app: &AppHandle, path: &str) -> Result<()> {
        if app.authentication_path().is_none() {
            return Err(Error::general(format!(
                "the presence at '{path}' knows no users: the app has no authentication, which `App::authenticator` sets"
            )));
        }
        if app.service(path).is_err() || path.split('/').any(|part| part.starts_with(':')) {
            return Err(Error::general(format!("the presence at '{path}' cannot be at a path with placeholders")));
        }
        let _ = self.0.0.path.set(path.to_owned());
        Ok(())
    }

    async fn teardown(&self, app: &AppHandle, _path: &str) -> Result<()> {
        self.0.0.engine.end(self.0.0.process, &|event| self.0.tell(event, app)).await
    }
}

impl fmt::Debug for PresenceService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceService").finish_non_exhaustive()
    }
}
