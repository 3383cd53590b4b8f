//! The derives for records and enums in them, and the attribute for services written by hand.
//!
//! All go the same way, a file a step: `parse` reads the user's tokens, `model` is what they mean, `check` finds what
//! cannot be, `expand` writes the code. Errors are gathered on the way, so that the user sees all of them at once, and
//! what could be understood is still expanded, so that one mistake is one message.
//! The output names only one crate, `::feathers`, through its `__private` module.

mod attributes;
mod case;
mod docs;
mod errors;
mod field_type;
mod record;
mod service;
mod types;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

use crate::record::attributes::{field_docs, record_docs};
use crate::service::attributes::{method_docs, service_docs};

/// Makes a struct with named fields a record: a type that a store can keep and a service can serve.
///
/// The struct needs `Clone`, `Serialize` and `Deserialize` too.
///
/// ```ignore
/// /// One thing to do.
/// #[derive(Clone, Debug, Serialize, Deserialize, Service)]
/// struct Todo {
///     #[service(id)]
///     id: i64,
///     #[service(length(1..=280))]
///     text: String,
///     #[service(default)]
///     done: bool,
///     due: Option<String>,
/// }
/// ```
///
/// # What comes out
///
/// - `Record` and `Columns` for the struct, with a schema of its fields, their types, rules and doc comments.
/// - `TodoData`, what `create` and `update` take. A field that may be left out is an `Option`: the id, a field with a
///   default, and every `Option`. A field that is unknown is an error.
/// - `TodoPatch`, what `patch` takes. Every field is an `Option`, `None` leaves the record as it is. An `Option` field
///   is an `Option<Option<..>>`, since `null` clears the field and leaving it out does not. The id may be sent and
///   does not count.
///
/// Both have the visibility of the struct and public fields, and their types must be `Debug` too.
///
/// # Attributes of a field
///
#[doc = field_docs!()]
///
/// Serde's `rename`, `rename_all`, `alias` and `with` count for the wire. `skip_serializing_if` counts for the record
/// only, since data is read by other rules than it is written.
///
/// # Attributes of the struct
///
#[doc = record_docs!()]
#[proc_macro_derive(Service, attributes(service))]
pub fn derive_service(input: TokenStream) -> TokenStream {
    record::derive(input.into()).into()
}

/// Makes an enum of variants without data a type that a field of a record can have.
///
/// The enum needs `Serialize` and `Deserialize` too, and serde's `rename`, `rename_all` and `alias` count. Clients see
/// the words as texts. They are ordered as the variants stand: `$sort`, `$gt` and its like follow that.
///
/// ```ignore
/// #[derive(Clone, Copy, Debug, Serialize, Deserialize, FieldType)]
/// #[serde(rename_all = "lowercase")]
/// enum Priority {
///     Low,
///     Normal,
///     Urgent,
/// }
/// ```
///
/// `#[service(crate = path)]` on the enum says where the framework is, if it is not `::feathers`.
#[proc_macro_derive(FieldType, attributes(service))]
pub fn derive_field_type(input: TokenStream) -> TokenStream {
    field_type::derive(input.into()).into()
}

/// Makes a type a service: each method in the impl block answers the calls of its name.
///
/// ```ignore
/// #[service(events("ringing"))]
/// impl Reminders {
///     async fn create(&self, data: NewReminder, params: &Params) -> Result<Reminder> { .. }
///
///     /// Waits a little longer.
///     #[method]
///     async fn snooze(&self, data: Snooze) -> Result<Reminder> { .. }
/// }
/// ```
///
/// # Methods
///
/// The block holds only what is served, so that nothing is served by accident and nothing is left out by a slip:
///
/// ```ignore
/// async fn find(&self, [..]) -> Result<..>
/// async fn get(&self, id: Id, [..]) -> Result<..>
/// async fn create(&self, data: T, [..]) -> Result<..>
/// async fn update(&self, id: Id, data: T, [..]) -> Result<..>
/// async fn patch(&self, id: Id, data: T, [..]) -> Result<..>
/// async fn remove(&self, id: Id, [..]) -> Result<..>
/// #[method] async fn anything(&self, [data: T], [..]) -> Result<..>
/// async fn setup(&self, app: &AppHandle, path: &str) -> Result<()>
/// async fn teardown(&self, app: &AppHandle, path: &str) -> Result<()>
/// ```
///
/// - Parameters in brackets may be left out.
/// - `[..]` is what the method takes from its call, by type, as many as it likes and in any order: `&AppHandle`,
///   `&Params`, `&Connection` (a 400 without one), `Caller<User>` (a 401 for a caller who is not logged in), `Route<T>`
///   with a struct of the path's placeholders (a 404 for one that does not fit), and types that implement `FromRequest`.
///   They are taken before the id and the data are looked at.
/// - `request: Request<'_>`, in place of id and data, is the whole call, to be handed on to another service.
/// - `id` is any type that implements `FromId`; an id that does not fit is a 404. In `patch` and `remove` it may be an
///   `Option`: `None` is a call for all records that match. Without the `Option` such a call is a 405.
/// - `data` is any type that serde reads, or `Payload`; data that does not fit is a 400.
/// - The result is any type that serde writes, or `Payload`.
/// - Clients call a custom method by its name in camel case: `snooze_all` is `snoozeAll`.
///   `#[method(name = "..")]` gives it another one.
/// - Doc comments become the descriptions of the service and its methods.
///
/// # Over another service
///
/// `#[service(over = records)]` serves the methods of the block and, for all others, those of the service in the field
/// `records`, such as a store's. A method of the block that is one of those replaces it. The schema, the docs of methods,
/// `check`, `setup` and `teardown` are of both. `record = Ticket` says what the records of that service are, so that
/// `App::service` returns a mount that knows them: the macro does not see the type of the field.
///
/// ```ignore
/// struct Tickets {
///     records: Memory<Ticket>,
/// }
///
/// #[service(over = records, record = Ticket)]
/// impl Tickets {
///     #[method]
///     async fn close(&self, data: Close, app: &AppHandle) -> Result<Ticket> { .. }
///
///     async fn remove(&self, caller: Caller<User>, request: Request<'_>) -> Result<Payload> {
///         // ..
///         self.records.call(request).await
///     }
/// }
/// ```
///
/// # Arguments of `#[service]`
///
#[doc = service_docs!()]
///
/// # Arguments of `#[method]`
///
#[doc = method_docs!()]
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    service::attribute(arguments.into(), item.into()).into()
}
