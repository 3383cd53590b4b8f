//! Presence: which users have a connection. Several connections of one user count once.

mod engine;
mod local;
mod service;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::engine::{PresenceEngine, PresenceEvent, Seat, Tell};
pub use self::local::LocalPresence;
use self::service::{Place, PresenceService, must_be_logged_in};
use crate::call::app::{App, Mount};

impl App {
    /// Begins a service at this path that says which users have a connection.
    ///
    /// `find` answers what of them is shown, those who came first first; filters, `$sort`, `$limit`, `$skip` and
    /// `$select` apply. `came` and `went` are its events, for the first connection of a user and the last. A connection
    /// counts from its login to its logout or its end.
    ///
    /// Only logged-in users may ask, and only they get the events, unless a publisher on the mount says otherwise. The
    /// connection that logs in gets what comes after its login; behind a shared log also its own `came`.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// # #[derive(serde::Deserialize)]
    /// # struct User { id: i64, name: String }
    /// use feathers::App;
    ///
    /// /// What others see of a user.
    /// #[derive(serde::Serialize)]
    /// struct Profile {
    ///     id: i64,
    ///     name: String,
    /// }
    ///
    /// impl From<&User> for Profile {
    ///     fn from(user: &User) -> Self {
    ///         Self { id: user.id, name: user.name.clone() }
    ///     }
    /// }
    ///
    /// let mut app = App::new();
    /// app.presence("presence").of::<User>().show::<Profile>();
    /// ```
    pub fn presence(&mut self, path: &str) -> PresenceBuilder<'_> {
        PresenceBuilder { app: self, path: path.to_owned(), engine: None, anonymous: false, user: PhantomData }
    }
}

/// A presence that is being described, made by [`App::presence`].
#[must_use = "a presence shows nothing before `show` is called"]
pub struct PresenceBuilder<'a, U = ()> {
    app: &'a mut App,
    path: String,
    engine: Option<Arc<dyn PresenceEngine>>,
    anonymous: bool,
    user: PhantomData<fn() -> U>,
}

impl<'a, U> PresenceBuilder<'a, U> {
    /// Says of which type the records of users are.
    pub fn of<V>(self) -> PresenceBuilder<'a, V>
    where
        V: DeserializeOwned + 'static,
    {
        let Self { app, path, engine, anonymous, .. } = self;
        PresenceBuilder { app, path, engine, anonymous, user: PhantomData }
    }

    /// Sets where the connections of several processes are counted, instead of those of this process alone.
    pub fn engine(mut self, engine: impl PresenceEngine) -> Self {
        self.engine = Some(Arc::new(engine));
        self
    }

    /// Lets clients ask that are not logged in. Events still go to logged-in users, unless a publisher says otherwise.
    pub fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }

    /// Mounts the service, which shows this of each user, and returns the mount for hooks and publishers.
    ///
    /// It is made of the user's record at the login, and stays so until the last connection of the user is gone.
    pub fn show<P>(self) -> &'a mut Mount<()>
    where
        U: DeserializeOwned + 'static,
        P: for<'u> From<&'u U> + Serialize + Send + Sync + 'static,
    {
        let Self { app, path, engine, anonymous, .. } = self;
        let place = Place::new::<U, P>(engine.unwrap_or_else(|| Arc::new(LocalPresence::default())), &path);
        let on_login = place.clone();
        app.on_login_async(move |login, app| {
            let place = on_login.clone();
            async move {
                if let Some(connection) = login.connection() {
                    place.come(connection, &app).await;
                }
            }
        });
        let on_logout = place.clone();
        app.on_logout_async(move |login, app| {
            let place = on_logout.clone();
            async move {
                if let Some(connection) = login.connection() {
                    place.go(connection, &app).await;
                }
            }
        });
        let on_disconnect = place.clone();
        app.on_disconnect_async(move |connection, app| {
            let place = on_disconnect.clone();
            async move { place.go(&connection, &app).await }
        });
        let audience = place.clone();
        let mount = app.service(&path, PresenceService::new(place));
        if !anonymous {
            mount.before("all", must_be_logged_in);
        }
        mount.publish(move |_event, app| audience.channel(app))
    }
}

impl<U> fmt::Debug for PresenceBuilder<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}
