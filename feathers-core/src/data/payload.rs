//! Payloads: the data and the results of calls, opaque until code reads them.
//!
//! A payload is made from a typed value or from JSON text. It becomes a [`serde_json::Value`] only when one is
//! asked for, and is serialised at most once, however many readers share it.
//! What is seen of a typed value is decided while serialising: `$select` is a [`FieldMask`], and hidden fields are kept
//! back by the guard once a payload leaves the server.

mod depth;
mod shape;
mod typed;

use std::any::type_name;
use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use self::depth::check_depth;
pub(crate) use self::shape::{records_mut, records_of};
use self::typed::Typed;
use crate::data::error::{Error, Result};
use crate::data::guard::{self, Guard};
use crate::data::mask::{FieldMask, View};
use crate::data::{fit, json_buffer, vet};

/// The data or the result of a call.
///
/// Cloning is cheap: clones share the value and its JSON text.
#[derive(Clone, Default)]
pub struct Payload(Option<Arc<Inner>>);

struct Inner {
    repr: Repr,
    /// Whether its texts stand for what a type wants.
    form: bool,
    json: OnceLock<Bytes>,
    value: OnceLock<Value>,
}

enum Repr {
    /// Typed, and what is seen of it; the two caches hold the derived forms.
    Typed(Arc<dyn Typed>, View),
    /// The text is in the `json` cache.
    Json,
    /// The value is in the `value` cache.
    Value,
}

impl Payload {
    /// The JSON `null`; also what a call without data carries.
    pub const NULL: Self = Self(None);

    /// Wraps any serialisable value.
    pub fn new<T: Serialize + Send + Sync + 'static>(value: T) -> Self {
        Self::record(Arc::new(value), FieldMask::All)
    }

    /// Wraps one shared record, of which only the fields in `mask` leave the server.
    pub fn record<T: Serialize + Send + Sync + 'static>(record: Arc<T>, mask: FieldMask) -> Self {
        Self::one(record, View::of(mask))
    }

    /// Wraps a list of shared records.
    pub fn records<T: Serialize + Send + Sync + 'static>(records: Vec<Arc<T>>, mask: FieldMask) -> Self {
        Self::many(records, View::of(mask))
    }

    /// Wraps one page of records, serialised as `{total, limit, skip, data}`.
    pub fn page<T: Serialize + Send + Sync + 'static>(
        records: Vec<Arc<T>>,
        mask: FieldMask,
        total: u64,
        limit: Option<u64>,
        skip: u64,
    ) -> Self {
        Self::page_of(records, View::of(mask), total, limit, skip)
    }

    /// Wraps JSON text that came from outside, after checking that it is valid JSON.
    ///
    /// # Errors
    /// What is no JSON, no UTF-8 or nested deeper than 100 levels: a 400 that names the place.
    pub fn from_json(json: Bytes) -> Result<Self> {
        let invalid = |what: String| Error::bad_request(format!("Invalid JSON: {what}"));
        let text = std::str::from_utf8(&json)
            .map_err(|error| invalid(format!("not valid UTF-8 at byte {}", error.valid_up_to())))?;
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| invalid(error.to_string()))?;
        check_depth(&json)?;
        Ok(Self::from_valid_json(json))
    }

    /// Wraps a part of JSON text that came from outside and has been read, such as one of the arguments of a call.
    ///
    /// # Errors
    /// A part that is nested deeper than 100 levels: a 400 that names the place in it.
    pub fn from_raw(raw: Box<RawValue>) -> Result<Self> {
        check_depth(raw.get().as_bytes())?;
        Ok(Self::of_part(raw))
    }

    /// Wraps a part of JSON text that is not nested too deep.
    fn of_part(raw: Box<RawValue>) -> Self {
        Self::from_valid_json(Bytes::from(Box::<str>::from(raw).into_string()))
    }

    /// Wraps JSON text that is known to be valid.
    pub fn from_valid_json(json: Bytes) -> Self {
        if json.trim_ascii() == b"null" {
            return Self::NULL;
        }
        Self(Some(Arc::new(Inner {
            repr: Repr::Json,
            form: false,
            json: OnceLock::from(json),
            value: OnceLock::new(),
        })))
    }

    /// Wraps the fields of a form, whose texts are converted to the types of the fields. For a field of a number, `30`
    /// is a number; for an optional field, an empty text is `null`.
    pub fn from_form(fields: Map<String, Value>) -> Self {
        Self::of_value(fields.into(), true)
    }

    fn of_value(value: Value, form: bool) -> Self {
        Self(Some(Arc::new(Inner { repr: Repr::Value, form, json: OnceLock::new(), value: OnceLock::from(value) })))
    }

    fn typed(value: Arc<dyn Typed>, view: View) -> Self {
        let repr = Repr::Typed(value, view);
        Self(Some(Arc::new(Inner { repr, form: false, json: OnceLock::new(), value: OnceLock::new() })))
    }

    /// Tells whether this is JSON `null`.
    pub fn is_null(&self) -> bool {
        match &self.0 {
            None => true,
            Some(inner) => match &inner.repr {
                Repr::Typed(..) => self.json().is_ok_and(|json| &json[..] == b"null"),
                Repr::Json => false,
                Repr::Value => inner.value.get().is_some_and(Value::is_null),
            },
        }
    }

    /// Returns the JSON text; it is made once and then shared.
    ///
    /// # Errors
    /// Those of the type's own `Serialize`.
    pub fn to_bytes(&self) -> Result<Bytes> {
        self.json().cloned()
    }

    /// Returns the JSON text for looking at it: the first clone of bytes has a price.
    pub(crate) fn json(&self) -> Result<&Bytes> {
        static NULL: Bytes = Bytes::from_static(b"null");
        let Some(inner) = &self.0 else { return Ok(&NULL) };
        if let Some(json) = inner.json.get() {
            return Ok(json);
        }
        let json = json_buffer::write(|out| match &inner.repr {
            Repr::Typed(typed, view) => match &view.guard {
                None => typed.write(view, out),
                Some(guard) => {
                    guard::leaving(|| typed.write(view, out))?;
                    guard.sweep(out)
                }
            },
            Repr::Json | Repr::Value => serde_json::to_writer(out, &inner.value.get()),
        })?;
        Ok(inner.json.get_or_init(|| json))
    }

    /// Returns the JSON value; it is made once and then shared.
    ///
    /// # Errors
    /// Text from outside that is nested deeper than 127 levels: a 400. Else those of the type's own `Serialize`.
    pub fn value(&self) -> Result<&Value> {
        static NULL: Value = Value::Null;
        let Some(inner) = &self.0 else { return Ok(&NULL) };
        if let Some(value) = inner.value.get() {
            return Ok(value);
        }
        let value = self.read(inner)?;
        Ok(inner.value.get_or_init(|| value))
    }

    /// Makes the JSON value.
    fn read(&self, inner: &Inner) -> Result<Value> {
        match &inner.repr {
            Repr::Typed(typed, view) if view.is_whole() => Ok(typed.to_value()?),
            Repr::Typed(..) => Ok(serde_json::from_slice(self.json()?)?),
            // Valid text can still be nested deeper than the parser goes, which is the sender's mistake.
            Repr::Json | Repr::Value => {
                let json = inner.json.get().map_or(&b"null"[..], |json| json);
                serde_json::from_slice(json).map_err(|error| vet::unreadable(json, error))
            }
        }
    }

    /// Returns the JSON value for changing it; a typed payload becomes an untyped one.
    ///
    /// # Errors
    /// Those of [`value`](Self::value).
    pub fn value_mut(&mut self) -> Result<&mut Value> {
        let form = self.0.as_ref().is_some_and(|inner| inner.form);
        let value = match self.0.take().map(Arc::try_unwrap) {
            None => Value::Null,
            Some(Ok(Inner { value, repr, form, json })) => match value.into_inner() {
                Some(value) => value,
                None => Self(Some(Arc::new(Inner { repr, form, json, value: OnceLock::new() }))).own()?,
            },
            Some(Err(shared)) => Self(Some(shared)).own()?,
        };
        *self = Self::of_value(value, form);
        self.0
            .as_mut()
            .and_then(Arc::get_mut)
            .and_then(|inner| inner.value.get_mut())
            .ok_or_else(|| Error::general("payload is shared"))
    }

    /// Returns a JSON value of one's own. What is shared keeps its text, which is read for this one only.
    fn own(&self) -> Result<Value> {
        let Some(inner) = &self.0 else { return Ok(Value::Null) };
        inner.value.get().map_or_else(|| self.read(inner), |value| Ok(value.clone()))
    }

    /// Returns the JSON object for changing it.
    ///
    /// # Errors
    /// Anything that is no object: a 400. Else those of [`value`](Self::value).
    pub fn object_mut(&mut self) -> Result<&mut Map<String, Value>> {
        self.value_mut()?.as_object_mut().ok_or_else(|| Error::bad_request("expected an object"))
    }

    /// Returns the typed value if it was made from exactly this type.
    ///
    /// A list of records is `Vec<Arc<T>>`, one record is `T`. It is the whole value, also where a mask hides something.
    pub fn downcast_ref<T: 'static>(&self) -> Option<&T> {
        let Repr::Typed(typed, _) = &self.0.as_ref()?.repr else { return None };
        let any = typed.any();
        any.downcast_ref::<Arc<T>>().map(|record| &**record).or_else(|| any.downcast_ref::<T>())
    }

    /// Decodes into a type: a clone if that is what it was made from, else through JSON.
    ///
    /// Whole numbers may be written as `30.0` and `3e1`.
    ///
    /// # Errors
    /// What does not fit: a 400 with an item for each mistake in its `data`, which names the place and what was
    /// expected there.
    pub fn decode<T: DeserializeOwned + 'static>(&self) -> Result<T> {
        let fits = match self.0.as_ref().map(|inner| (&inner.repr, inner.value.get())) {
            Some((Repr::Value, Some(value))) => T::deserialize(value),
            // Looked through once as a whole, instead of each of its texts.
            Some(_) => match std::str::from_utf8(self.json()?) {
                Ok(json) => serde_json::from_str(json),
                Err(_) => return Err(Error::bad_request("Invalid data: not valid UTF-8")),
            },
            None => T::deserialize(&Value::Null),
        };
        fits.or_else(|error| self.fit().map_err(|refused: Error| refused.with_source(error)))
    }

    #[cold]
    fn fit<T: DeserializeOwned>(&self) -> Result<T> {
        fit::fit(self.value()?, self.0.as_ref().is_some_and(|inner| inner.form))
    }

    /// Refuses data from outside that holds what no data may.
    pub(crate) fn vet(&self) -> Result<()> {
        match self.0.as_ref().map(|inner| (&inner.repr, inner.value.get())) {
            Some((Repr::Json, _)) => vet::text(self.json()?),
            Some((Repr::Value, Some(value))) => vet::value(value),
            _ => Ok(()),
        }
    }

    /// Returns one payload per element if this is a list, else `None`.
    ///
    /// # Errors
    /// Those of [`value`](Self::value).
    pub fn items(&self) -> Result<Option<Vec<Self>>> {
        let Some(inner) = &self.0 else { return Ok(None) };
        if let Repr::Typed(typed, view) = &inner.repr
            && let Some(items) = typed.items(view)
        {
            return Ok(Some(items));
        }
        if let Some(value) = inner.value.get() {
            return Ok(value.as_array().map(|items| items.iter().cloned().map(Self::from).collect()));
        }
        let json = self.json()?;
        if json.trim_ascii_start().first() != Some(&b'[') {
            return Ok(None);
        }
        let items: Vec<Box<RawValue>> = serde_json::from_slice(json)?;
        Ok(Some(items.into_iter().map(Self::of_part).collect()))
    }

    /// Returns the same record, list or page of records, without these fields. What has none of them is shared as it
    /// is.
    pub(crate) fn without(&self, fields: &[Arc<str>]) -> Result<Self> {
        if fields.is_empty() {
            return Ok(self.clone());
        }
        if let Some(Repr::Typed(typed, view)) = self.0.as_ref().map(|inner| &inner.repr) {
            if !fields.iter().any(|name| view.mask.allows(name)) {
                return Ok(self.clone());
            }
            return Ok(Self::typed(typed.clone(), View { mask: view.mask.without(fields), ..view.clone() }));
        }
        let value = self.value()?;
        if !shape::has_any(value, fields) {
            return Ok(self.clone());
        }
        let mut value = value.clone();
        shape::remove(&mut value, fields);
        Ok(value.into())
    }

    /// Returns what may leave the server: nothing that is hidden in any record, wherever it stands.
    ///
    /// `hidden` are the hidden fields of the service that it leaves, which are also taken from what has no type.
    pub(crate) fn outbound(self, hidden: &[Arc<str>]) -> Result<Self> {
        let own = if hidden.is_empty() { self } else { self.without(hidden)? };
        let Some(guard) = guard::current() else { return Ok(own) };
        let Some(inner) = &own.0 else { return Ok(own) };
        match &inner.repr {
            Repr::Typed(_, view) if view.is_plain => Ok(own),
            Repr::Typed(..) => Ok(own.guarded(guard)),
            Repr::Json if inner.value.get().is_none() && !guard.suspects(own.json()?, false) => Ok(own),
            Repr::Json | Repr::Value => {
                let value = own.value()?;
                if !guard.finds(value) {
                    return Ok(own);
                }
                let mut value = value.clone();
                guard.clean(&mut value);
                Ok(value.into())
            }
        }
    }

    /// Returns the same typed value behind a guard.
    fn guarded(self, guard: Arc<Guard>) -> Self {
        match self.0.as_ref().map(|inner| &inner.repr) {
            Some(Repr::Typed(typed, view)) if view.guard.is_none() => {
                Self::typed(typed.clone(), View { guard: Some(guard), ..view.clone() })
            }
            _ => self,
        }
    }

    /// Takes a typed value from behind its mask, so that hooks see all of it, and returns the mask; `None` if it has
    /// none, or has left already.
    pub(crate) fn unmask(&mut self) -> Option<FieldMask> {
        let Repr::Typed(typed, view) = &self.0.as_ref()?.repr else { return None };
        if view.mask == FieldMask::All || view.guard.is_some() {
            return None;
        }
        let mask = view.mask.clone();
        *self = Self::typed(typed.clone(), View::default());
        Some(mask)
    }

    /// Returns the same typed value behind a mask.
    pub(crate) fn masked(&self, mask: FieldMask) -> Self {
        match self.0.as_ref().map(|inner| &inner.repr) {
            Some(Repr::Typed(typed, _)) => Self::typed(typed.clone(), View::of(mask)),
            _ => self.clone(),
        }
    }

    /// Tells whether this is a clone of the other.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// Returns how many records this is: the length of a list, else one.
    pub(crate) fn count(&self) -> Result<usize> {
        match self.0.as_ref().map(|inner| &inner.repr) {
            Some(Repr::Typed(typed, _)) if typed.len().is_some() => Ok(typed.len().unwrap_or(1)),
            _ if self.is_array() => Ok(self.items()?.map_or(1, |items| items.len())),
            _ => Ok(1),
        }
    }

    /// Tells whether this is a list.
    pub fn is_array(&self) -> bool {
        let Some(inner) = &self.0 else { return false };
        if let Some(value) = inner.value.get() {
            return value.is_array();
        }
        self.json().is_ok_and(|json| json.trim_ascii_start().first() == Some(&b'['))
    }

    /// Tells whether JavaScript would take this for false: `null`, `false`, `0` and `""`.
    pub fn is_falsy(&self) -> bool {
        self.json().is_ok_and(|json| matches!(&json[..], b"null" | b"false" | b"0" | b"\"\""))
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        if value.is_null() {
            return Self::NULL;
        }
        Self::of_value(value, false)
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let leaving =
            guard::is_leaving().then(|| self.clone().outbound(&[])).transpose().map_err(serde::ser::Error::custom)?;
        let json = leaving.as_ref().unwrap_or(self).json().map_err(serde::ser::Error::custom)?;
        let raw: &RawValue = serde_json::from_slice(json).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content may be private, so logs get its size only.
        match self.0.as_ref().map(|inner| (&inner.repr, inner.json.get())) {
            None => f.write_str("Payload(null)"),
            Some((_, Some(json))) => write!(f, "Payload({} bytes)", json.len()),
            Some((_, None)) => write!(f, "{}", type_name::<Self>()),
        }
    }
}
