//! The connection and the address that a request is counted for.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use feathers_core::Result;
use http::Extensions;

use super::{Account, Budget, Link, SMALL};
use crate::kit::address::client_address;

/// The connection and the client of a request. There is an account only when there is something to count.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    source: Source,
    address: Option<IpAddr>,
}

/// Where a request comes in.
#[derive(Clone, Debug)]
enum Source {
    Connection(Arc<Link>),
    /// Not on a connection that the server knows; what is counted together counts as one.
    Unknown(Budget),
}

impl Meter {
    /// Counts for a client, on its connection if the server knows it.
    pub(crate) fn new(budget: &Budget, link: Option<Arc<Link>>, address: Option<IpAddr>) -> Self {
        let source = link.map_or_else(|| Source::Unknown(budget.clone()), Source::Connection);
        Self { source, address }
    }

    /// Finds what the server has put on a request.
    pub(crate) fn of(budget: &Budget, extensions: &Extensions) -> Self {
        Self::new(budget, extensions.get().cloned(), client_address(extensions))
    }

    /// Counts for a session, which goes on when the connection of its request has ended.
    pub(crate) fn of_session(budget: &Budget, address: Option<IpAddr>) -> Self {
        Self::new(budget, None, address)
    }

    pub(crate) fn account(&self) -> Arc<Account> {
        match &self.source {
            Source::Connection(link) => link.account(self.address),
            Source::Unknown(budget) => budget.link().account(self.address),
        }
    }

    /// Counts an answer until it has left. One that is small is not counted: the system takes it at once.
    ///
    /// What was only read may be refused; the answer to a change, for which `must` is set, is given in any case.
    pub(crate) fn answer(&self, bytes: Bytes, must: bool) -> Result<Bytes> {
        if bytes.len() <= SMALL {
            return Ok(bytes);
        }
        let account = self.account();
        let permit = if must { account.take_anyway(bytes.len()) } else { account.take(bytes.len())? };
        Ok(permit.hold(bytes))
    }
}
