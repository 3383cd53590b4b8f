//! Passwords: hashing and checking them, on a bounded share of the cores.
//!
//! A hash is made to be slow, so it never runs where calls run, and only a few are made at the same time. New ones are
//! Argon2id; what FeathersJS has hashed with bcrypt is checked too.

mod scheme;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};
use feathers_core::{Error, Result, caller_has_gone};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::scheme::{InUse, Scheme};
use crate::config::PasswordConfig;

/// A longer password is refused before anything is done with it.
const MOST_BYTES: usize = 1 << 10;

/// Hashes and checks passwords. Clones share the bounds.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    min_length: usize,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    /// How new hashes are made.
    today: Scheme,
    in_use: Mutex<InUse>,
}

/// What a password is, beside a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Another one.
    No,
    /// The one that was hashed.
    Yes,
    /// The one that was hashed, with other parameters or another algorithm than today's.
    Outdated,
}

impl Passwords {
    /// Reads the parameters.
    ///
    /// # Errors
    /// Parameters that Argon2 does not take.
    pub fn new(config: &PasswordConfig) -> Result<Self> {
        let params = Params::new(config.memory, config.iterations, 1, None)
            .map_err(|error| Error::general(format!("authentication: `password` has no valid parameters: {error}")))?;
        let (algorithm, lanes) = (Algorithm::Argon2id, params.p_cost());
        let today = Scheme::Argon2 { algorithm, memory: params.m_cost(), passes: params.t_cost(), lanes };
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        let threads = config.threads.unwrap_or(cores / 2).max(1);
        Ok(Self(Arc::new(Inner {
            argon2: Argon2::new(algorithm, Version::V0x13, params),
            min_length: config.min_length,
            places: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            queue: config.queue,
            today,
            in_use: Mutex::new(InUse::new(today)),
        })))
    }

    /// Hashes a new password.
    ///
    /// A hash that still waits for its turn when the caller of the call has gone away is not made.
    ///
    /// # Errors
    /// A password that is too short or too long: a 400. Too many that wait, and a caller that has gone away: a 503.
    pub async fn hash(&self, password: &str) -> Result<String> {
        self.check(password)?;
        self.hash_any(password.to_owned()).await
    }

    /// Fails for a password that is too short or too long.
    pub(crate) fn check(&self, password: &str) -> Result<()> {
        let least = self.0.min_length;
        if password.chars().count() < least || password.len() > MOST_BYTES {
            let message = format!("a password has {least} characters at least, and {MOST_BYTES} bytes at most");
            return Err(Error::bad_request(message));
        }
        Ok(())
    }

    /// Returns a text that looks like a new hash and is none.
    pub(crate) fn stand_in(&self) -> String {
        let params = self.0.argon2.params();
        let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${}${}", "A".repeat(22), "A".repeat(43))
    }

    /// Hashes a password that was accepted earlier, whatever its length.
    pub(crate) async fn rehash(&self, password: &str) -> Result<String> {
        self.hash_any(password.to_owned()).await
    }

    async fn hash_any(&self, password: String) -> Result<String> {
        let argon2 = self.0.argon2.clone();
        self.compute(move || {
            let hash = argon2.hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Compares a password with a hash; `None` stands for a user that does not exist.
    ///
    /// A wrong password takes the same time whatever the hash is: that of the schemes of all hashes that were seen,
    /// each at its highest cost. A bcrypt hash that costs more than 14 matches no password, and neither does an Argon2
    /// hash that takes more than 4 GiB in all its passes. The log says so.
    ///
    /// # Errors
    /// Too many that wait, and a caller that has gone away: a 503.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<Match> {
        if password.len() > MOST_BYTES {
            return Ok(Match::No);
        }
        let known = hash.and_then(|hash| Some((self.learn(hash)?, hash.to_owned())));
        let rest = self.in_use().rest(known.as_ref().map(|(scheme, _)| *scheme));
        let (today, password) = (self.0.today, password.to_owned());
        self.compute(move || {
            if let Some((scheme, hash)) = known
                && scheme.verify(&password, &hash)
            {
                return Ok(if scheme == today { Match::Yes } else { Match::Outdated });
            }
            for scheme in rest {
                scheme.spend(&password);
            }
            Ok(Match::No)
        })
        .await
    }

    /// Notes that there is such a hash, and returns its scheme if it can be computed.
    pub(crate) fn learn(&self, hash: &str) -> Option<Scheme> {
        let scheme = Scheme::of(hash)?;
        if scheme.costs_too_much() {
            tracing::warn!(
                ?scheme,
                "a stored hash of a password costs too much and is refused: nobody logs in with it"
            );
            return None;
        }
        self.in_use().note(scheme);
        Some(scheme)
    }

    fn in_use(&self) -> MutexGuard<'_, InUse> {
        self.0.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Computes on a thread of its own, when it is its turn.
    ///
    /// The thread is one that gives way: what answers calls runs first.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let place = self.turn().await?;
        let (sender, result) = oneshot::channel();
        let thread = std::thread::Builder::new().name("password".to_owned());
        thread
            .spawn(move || {
                give_way();
                let result = work();
                drop(place);
                // The caller has gone if this fails.
                let _ = sender.send(result);
            })
            .map_err(Error::internal)?;
        result.await.map_err(Error::internal)?
    }

    /// Waits for a turn, for as long as the caller does.
    async fn turn(&self) -> Result<Turn> {
        let waiting = self.wait()?;
        let mut place = pin!(self.0.places.clone().acquire_owned());
        poll_fn(|cx| {
            // The task that finishes the call in the background polls this once.
            if caller_has_gone() {
                return Poll::Ready(Err(Error::unavailable("the caller has gone while a password waited")));
            }
            Poll::Ready(ready!(place.as_mut().poll(cx)).map_err(Error::internal))
        })
        .await
        .map(|place| Turn { _place: place, _waiting: waiting })
    }

    fn wait(&self) -> Result<Waiting> {
        let waiting = Waiting(self.0.clone());
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) >= self.0.queue {
            let error = Error::unavailable("too many logins at the same time");
            return Err(error.with_retry_after(Duration::from_secs(1)));
        }
        Ok(waiting)
    }
}

/// A turn that has come; it ends when this is dropped.
struct Turn {
    _place: OwnedSemaphorePermit,
    _waiting: Waiting,
}

/// A caller that waits; counted until this is dropped.
struct Waiting(Arc<Inner>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much a thread that hashes gives way: niceness 5, then 10, then the lowest; the first that the system allows. A
/// program that is nice itself may not take a lower one.
///
/// Beside four busy programs a thread of niceness 5 still gets a seventh of a core, where the lowest one gets a
/// hundredth.
const PRIORITIES: [u8; 3] = [35, 22, 0];

/// Makes the scheduler prefer the threads that answer calls, where the system lets a program say so.
fn give_way() {
    let mut priorities = PRIORITIES.into_iter().filter_map(|value| ThreadPriorityValue::try_from(value).ok());
    let given = priorities.any(|value| set_current_thread_priority(ThreadPriority::Crossplatform(value)).is_ok());
    if !given {
        tracing::debug!("a thread that hashes runs like any other");
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("queue", &self.0.queue).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use feathers_core::{App, Document, Memory};
    use serde_json::json;

    use super::*;
    use crate::auth::Auth;
    use crate::{AuthConfig, Authentication, hash_password};

    fn config() -> AuthConfig {
        let mut config = AuthConfig::new("a secret for tests, of more than 32 bytes");
        (config.password.memory, config.password.iterations, config.password.threads) = (8, 1, Some(1));
        config
    }

    #[tokio::test]
    async fn a_hash_that_waits_is_dropped_when_its_caller_has_gone() -> Result<()> {
        let mut app = App::new();
        app.service("users", Memory::<Document>::new()).before("create", hash_password("password"));
        app.configure(Authentication::new(config()).jwt().local("email"));
        let app = app.start().await?;
        let passwords = app.get::<Auth>().ok_or_else(|| Error::general("none"))?.passwords()?.clone();
        let turn = passwords.turn().await?;
        let users = app.service("users")?;
        let waits = async |passwords: &Passwords| {
            while passwords.0.waiting.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
        };
        for call in ["sign-up", "login"] {
            let (users, app) = (users.clone(), app.clone());
            let call = tokio::spawn(async move {
                let data = json!({ "strategy": "local", "email": "a@b.example", "password": "enchantress" });
                match call {
                    "sign-up" => users.create(data, ()).await,
                    _ => app.service("authentication")?.create(data, ()).await,
                }
            });
            waits(&passwords).await;
            call.abort();
            assert!(call.await.is_err_and(|error| error.is_cancelled()));
            // It is finished in the background, which ends its waiting before it is its turn.
            while passwords.0.waiting.load(Ordering::SeqCst) > 1 {
                tokio::task::yield_now().await;
            }
        }
        drop(turn);
        app.shutdown(Duration::from_secs(20)).await?;
        assert_eq!(users.find(()).await?.value()?, &json!([]));
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_thread_that_hashes_gives_way_and_does_not_starve() -> Result<()> {
        let niceness = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").map_err(Error::internal)?;
            let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            fields.clone().nth(16).and_then(|nice| nice.parse::<i32>().ok()).ok_or_else(|| Error::general(stat.clone()))
        };
        let nice = Passwords::new(&config().password)?.compute(niceness).await?;
        assert!([5, 10, 19].contains(&nice), "{nice}");
        Ok(())
    }
}
