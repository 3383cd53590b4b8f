//! Passwords: hashing and checking them, on a bounded share of the cores.
//!
//! A hash is made to be slow, so it never runs where calls run, and only a few are made at the same time. New ones are
//! Argon2id; what FeathersJS has hashed with bcrypt is checked too.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use feathers_core::{Error, Result};
use thread_priority::{ThreadPriority, set_current_thread_priority};
use tokio::sync::{OnceCell, Semaphore, oneshot};

use crate::config::PasswordConfig;

/// A longer password is refused before anything is done with it.
const MOST_BYTES: usize = 1 << 10;
/// The highest cost of a bcrypt hash that is computed: about a second.
const BCRYPT_COST: u32 = 14;

/// Hashes and checks passwords. Clones share the bounds.
#[derive(Clone)]
pub struct Passwords(Arc<Inner>);

struct Inner {
    argon2: Argon2<'static>,
    min_length: usize,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    /// The hash that the password of nobody is compared with.
    nobody: OnceCell<String>,
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
    /// Reads the parameters; ones that Argon2 does not take are an error.
    pub fn new(config: &PasswordConfig) -> Result<Self> {
        let params = Params::new(config.memory, config.iterations, 1, None)
            .map_err(|error| Error::general(format!("authentication: `password` has no valid parameters: {error}")))?;
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        let threads = config.threads.unwrap_or(cores / 2).max(1);
        Ok(Self(Arc::new(Inner {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            min_length: config.min_length,
            places: Arc::new(Semaphore::new(threads)),
            waiting: AtomicUsize::new(0),
            queue: config.queue,
            nobody: OnceCell::new(),
        })))
    }

    /// Hashes a new password; one that is too short or too long is a 400.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let least = self.0.min_length;
        if password.chars().count() < least || password.len() > MOST_BYTES {
            let message = format!("a password has {least} characters at least, and {MOST_BYTES} bytes at most");
            return Err(Error::bad_request(message));
        }
        self.hash_any(password.to_owned()).await
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

    /// Compares a password with a hash; `None` is the hash of somebody who is not there, which takes as long.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<Match> {
        if password.len() > MOST_BYTES {
            return Ok(Match::No);
        }
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash.to_owned(),
            None => self.nobody().await?,
        };
        let (argon2, password) = (self.0.argon2.clone(), password.to_owned());
        let found = self.compute(move || Ok(compare(&argon2, &password, &hash))).await?;
        Ok(if known { found } else { Match::No })
    }

    async fn nobody(&self) -> Result<String> {
        self.0.nobody.get_or_try_init(|| self.hash_any(format!("{:x}", rand::random::<u128>()))).await.cloned()
    }

    /// Computes on a thread of its own, when it is its turn.
    ///
    /// The thread is one that gives way: what answers calls runs first.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _waiting = self.wait()?;
        let place = self.0.places.clone().acquire_owned().await.map_err(Error::internal)?;
        let (sender, result) = oneshot::channel();
        let thread = std::thread::Builder::new().name("password".to_owned());
        thread
            .spawn(move || {
                give_way();
                let result = work();
                drop(place);
                // Nobody waits for it any more if this fails.
                let _ = sender.send(result);
            })
            .map_err(Error::internal)?;
        result.await.map_err(Error::internal)?
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

/// One who waits; counted until this is dropped.
struct Waiting(Arc<Inner>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Has the scheduler prefer every other thread, where the system lets a program say so.
fn give_way() {
    if let Err(error) = set_current_thread_priority(ThreadPriority::Min) {
        tracing::debug!(?error, "a thread that hashes runs like any other");
    }
}

fn compare(argon2: &Argon2<'_>, password: &str, hash: &str) -> Match {
    if hash.starts_with("$argon2") {
        let Ok(parsed) = argon2::PasswordHash::new(hash) else { return Match::No };
        if argon2.verify_password(password.as_bytes(), &parsed).is_err() {
            return Match::No;
        }
        let today = Params::try_from(&parsed).is_ok_and(|params| {
            let own = argon2.params();
            params.m_cost() == own.m_cost() && params.t_cost() == own.t_cost()
        });
        return if today && hash.starts_with("$argon2id$") { Match::Yes } else { Match::Outdated };
    }
    let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
    if !hash.starts_with("$2") || cost.is_none_or(|cost| cost > BCRYPT_COST) {
        return Match::No;
    }
    match bcrypt::verify(password, hash) {
        Ok(true) => Match::Outdated,
        Ok(false) | Err(_) => Match::No,
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("queue", &self.0.queue).finish_non_exhaustive()
    }
}
