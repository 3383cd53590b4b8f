//! What hooks ask of the service of their own call: the record before the change, and another change in its place.

use super::Context;
use crate::call::app::in_method;
use crate::call::arguments::one_at_a_time;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::call::service::Request;
use crate::data::error::{Error, Result};
use crate::data::payload::Payload;
use crate::data::selection::Selection;
use crate::store::StoreContext;

impl Context {
    /// Reads the record that the call is about, as it is before the method: all fields, whatever the caller selects.
    ///
    /// It is a look and not a lock. Another call may change the record before this one does; what must not be passed by
    /// belongs into the query, a constraint or an access rule, which the store checks with the change. What a call has
    /// changed, [`Context::changes`] says afterwards.
    ///
    /// The service is asked without its hooks, for the same caller and with the query as it is now: what the call would
    /// not find, or its caller may not read, this does not find either.
    ///
    /// # Errors
    /// A record that the call would not find: a 404. A call of all records that match: a 405. A method without an id,
    /// and a service without `get`: a 500.
    pub async fn load(&self) -> Result<Payload> {
        let has_id = matches!(self.method, Method::Get | Method::Update | Method::Patch | Method::Remove);
        if !has_id || !self.service.descriptor().has(&Method::Get) {
            let (method, path) = (&self.method, self.path());
            return Err(Error::internal(format!("there is no record to load before '{method}' of service '{path}'")));
        }
        let id = self.id.clone().ok_or_else(|| one_at_a_time(self.method.name()))?;
        let mut params = self.params.clone();
        params.query.shift_remove("$select");
        let store = StoreContext::NONE.with_deadline(self.app.deadline()).with_caller(self.params.connection.as_ref());
        let path = self.service.path();
        let request = Request::new(&self.app, path, &Method::Get, Some(id), Payload::NULL, &params, store)
            .with_rights(self.rights.as_deref());
        let mut record = in_method(self.service.service().call(request)).await?;
        Selection::take(&mut record);
        Ok(record)
    }

    /// Has the service do another change in the place of the call's method; its result is that of the call.
    pub(crate) async fn change_instead(&mut self, method: &Method, data: Payload, params: &Params) -> Result<()> {
        let service = self.service.clone();
        let store = StoreContext::NONE.with_commit(&self.commit).with_caller(self.params.connection.as_ref());
        let request = Request::new(&self.app, service.path(), method, self.id.clone(), data, params, store)
            // The client has sent none of the data.
            .with_sent(Some(&Payload::NULL))
            .with_rights(self.rights.as_deref());
        let mut result = in_method(service.service().call(request)).await?;
        if let Some(selection) = Selection::take(&mut result) {
            self.aside().selection = Some(selection);
        }
        if self.commit.is_open() && self.event.is_some() {
            self.commit.reserve(result.count()?);
        }
        self.result = Some(result);
        Ok(())
    }
}
