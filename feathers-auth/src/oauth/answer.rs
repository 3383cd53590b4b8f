//! Answers: where the browser goes next, and the cookies that it takes along.

use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::{AroundHook, Context, Error, Next, Params, Payload, Provider, Result, async_trait};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// What stays as it is in a part of a URL.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The most characters of a message that are put into a URL.
const LONGEST: usize = 300;

/// Where the browser goes, and the headers that set its cookies.
pub(super) struct Answer {
    pub(super) location: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub(super) fn to(location: impl Into<String>) -> Self {
        Self { location: location.into(), headers: Vec::new() }
    }

    pub(super) fn cookie(mut self, cookie: HeaderValue) -> Self {
        self.headers.push((SET_COOKIE, cookie));
        self
    }

    /// Hands the answer to the hook, and returns the body.
    pub(super) fn leave(self, params: &Params) -> Payload {
        let body = json!({ "location": self.location });
        if let Some(slot) = params.get::<Slot>() {
            *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
        }
        body.into()
    }
}

/// Writes a message for a client as a part of a URL.
pub(super) fn escape(message: &str) -> String {
    let shown: String = message.chars().filter(|character| !character.is_control()).take(LONGEST).collect();
    utf8_percent_encode(&shown, ESCAPED).to_string()
}

/// How a service hands its answer to the hook around it.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<Answer>>>);

/// The hook around the services: it turns answers into redirects.
#[derive(Debug)]
pub(super) struct Redirect;

#[async_trait]
impl AroundHook for Redirect {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        if ctx.params.provider.is_some_and(|provider| provider != Provider::REST) {
            return Err(Error::bad_request("a login through another site goes by HTTP"));
        }
        let slot = Slot::default();
        ctx.params.insert(slot.clone());
        next.run(ctx).await?;
        let answer = slot.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(answer) = answer {
            ctx.http.headers.extend(answer.headers);
            ctx.http.headers.push((CACHE_CONTROL, HeaderValue::from_static("no-store")));
            ctx.http.location = Some(answer.location);
        }
        Ok(())
    }
}
