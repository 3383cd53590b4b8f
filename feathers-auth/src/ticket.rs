//! Tickets: short-lived texts that open one connection each, where no header can be sent.
//!
//! A token in a URL would end up in logs; a ticket that does has been used. Its client reconnects with a
//! [secret of its own](crate::resumption).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feathers_core::{Credentials, Descriptor, Error, Method, Payload, Request, Result, Service, async_trait};
use serde_json::json;
use tokio::time::Instant;

use crate::auth::{Auth, params_for_strategy};
use crate::config::TicketConfig;
use crate::resumption::Resumptions;

/// The name of the strategy that the transports present tickets with; no login can use it.
pub(crate) const STRATEGY: &str = "ticket";
/// The field of the ticket.
pub(crate) const FIELD: &str = "ticket";

/// The valid tickets.
#[derive(Debug)]
pub(crate) struct Tickets {
    config: TicketConfig,
    resumptions: Resumptions,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    good: HashMap<String, Credentials>,
    /// In the order in which they expire. Those that were used are still here.
    order: VecDeque<(Instant, String)>,
}

impl Tickets {
    pub(crate) fn new(config: TicketConfig) -> Self {
        Self { resumptions: Resumptions::new(config.resume, config.most), config, table: Mutex::default() }
    }

    /// Returns the sessions that tickets have opened.
    pub(crate) fn resumptions(&self) -> &Resumptions {
        &self.resumptions
    }

    /// Makes a ticket for these credentials: 256 random bits. When there are too many, the oldest is dropped.
    fn issue(&self, credentials: Credentials) -> String {
        let ticket = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let mut table = self.lock();
        table.expire(self.config.most.saturating_sub(1));
        table.good.insert(ticket.clone(), credentials);
        table.order.push_back((Instant::now() + self.config.expires_in, ticket.clone()));
        ticket
    }

    /// Takes the credentials of a ticket, which is no longer valid then.
    pub(crate) fn redeem(&self, ticket: &str) -> Result<Credentials> {
        let mut table = self.lock();
        table.expire(self.config.most);
        table.good.remove(ticket).ok_or_else(|| Error::not_authenticated("Invalid ticket"))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn expire(&mut self, most: usize) {
        let now = Instant::now();
        while let Some((until, _)) = self.order.front()
            && (*until <= now || self.order.len() > most)
        {
            if let Some((_, ticket)) = self.order.pop_front() {
                self.good.remove(&ticket);
            }
        }
    }
}

/// The service `authentication/ticket`: `create` answers `{ ticket, expiresIn }`, with the seconds that it is valid.
#[derive(Debug)]
pub(crate) struct TicketService(pub(crate) Auth);

#[async_trait]
impl Service for TicketService {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([]).method(Method::Create, "Makes a ticket that opens one connection.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let auth = &self.0;
        auth.limits().ticket(request.params)?;
        let credentials = auth.credentials(request.params);
        let credentials = credentials.ok_or_else(|| Error::not_authenticated("Not authenticated"))?;
        auth.authenticate(&credentials, &params_for_strategy(request.params), &auth.names()).await?;
        let ticket = auth.tickets().issue(credentials);
        Ok(json!({ "ticket": ticket, "expiresIn": auth.tickets().config.expires_in.as_secs() }).into())
    }
}
